import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { client } from "./client.js";

export const usersKey = ["users"];

export const usersQuery = (filter: { q: string; limit: number; offset: number }) =>
  queryOptions({
    queryKey: [...usersKey, filter],
    queryFn: ({ signal }) => client.userList({ query: filter, signal }),
    placeholderData: keepPreviousData,
  });

export const siteRolesQuery = queryOptions({
  queryKey: ["site-roles"],
  queryFn: ({ signal }) => client.siteRoleList({ signal }),
});

export const organizationsQuery = queryOptions({
  queryKey: ["organizations"],
  queryFn: ({ signal }) => client.organizationList({ signal }),
});

export const tokensQuery = queryOptions({
  queryKey: ["tokens"],
  queryFn: ({ signal }) => client.tokenList({ params: { user: "me" }, signal }),
});

/** Where the user is signed in. */
export const sessionsQuery = queryOptions({
  queryKey: ["sessions"],
  queryFn: ({ signal }) => client.sessionList({ params: { user: "me" }, signal }),
});

export const secretsQuery = queryOptions({
  queryKey: ["secrets"],
  queryFn: ({ signal }) => client.userSecretList({ params: { user: "me" }, signal }),
});

export const externalAuthListQuery = queryOptions({
  queryKey: ["external-auth-list"],
  queryFn: ({ signal }) => client.externalAuthList({ signal }),
});

export const quietHoursQuery = queryOptions({
  queryKey: ["quiet-hours"],
  queryFn: ({ signal }) => client.userQuietHours({ params: { user: "me" }, signal }),
});

/** The OAuth2 apps that the user has authorized. */
export const grantedAppsQuery = queryOptions({
  queryKey: ["granted-apps"],
  queryFn: ({ signal }) => client.oauth2AppList({ query: { user_id: "me" }, signal }),
});

export const gitSshKeyQuery = queryOptions({
  queryKey: ["git-ssh-key"],
  queryFn: ({ signal }) => client.gitSshKeyGet({ params: { user: "me" }, signal }),
});

/** Always sent: the link to reset a password. */
const PASSCODE_TEMPLATE = "62f86a30-2330-4b61-a26d-311ff3b608cf";

/** Notifications that a user can turn off. */
export const notificationTemplatesQuery = queryOptions({
  queryKey: ["notification-templates"],
  queryFn: async ({ signal }) =>
    (await client.notificationTemplatesSystem({ signal })).filter(({ id }) => id !== PASSCODE_TEMPLATE),
});

export const notificationPreferencesQuery = queryOptions({
  queryKey: ["notification-preferences"],
  queryFn: ({ signal }) => client.notificationPreferences({ params: { user: "me" }, signal }),
});

export const scopesQuery = queryOptions({
  queryKey: ["token-scopes"],
  staleTime: Number.POSITIVE_INFINITY,
  queryFn: async ({ signal }) =>
    (await client.scopeList({ signal })).external.filter((scope) => scope !== "all"),
});

/** Maximum lifetime of a token, in nanoseconds. */
export const tokenConfigQuery = queryOptions({
  queryKey: ["token-config"],
  staleTime: Number.POSITIVE_INFINITY,
  queryFn: ({ signal }) => client.tokenConfig({ params: { user: "me" }, signal }),
});
