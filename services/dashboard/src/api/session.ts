import { queryOptions } from "@tanstack/react-query";
import { client } from "./client.js";
import { isFleetError } from "./errors.js";

export const sessionKey = ["session"];

/** The signed-in user; null if signed out. */
export const sessionQuery = queryOptions({
  queryKey: sessionKey,
  staleTime: 60_000,
  queryFn: async ({ signal }) => {
    try {
      return await client.userGet({ params: { user: "me" }, signal });
    } catch (error) {
      if (isFleetError(error, "unauthenticated")) return null;
      throw error;
    }
  },
});

/** True once the first user exists. */
export const hasFirstUserQuery = queryOptions({
  queryKey: ["first-user"],
  queryFn: async ({ signal }) => {
    try {
      await client.userFirst({ signal });
      return true;
    } catch (error) {
      if (isFleetError(error, "not_found")) return false;
      throw error;
    }
  },
});

export const authMethodsQuery = queryOptions({
  queryKey: ["auth-methods"],
  queryFn: ({ signal }) => client.authMethods({ signal }),
});

const any = (resource_type: string, action: string) => ({ object: { resource_type, any_org: true }, action });
const site = (resource_type: string, action: string) => ({ object: { resource_type }, action });

/** Permissions that decide what the pages show. The server checks them again on every call. */
const checks = {
  readUsers: site("user", "read"),
  createUser: site("user", "create"),
  updateUsers: site("user", "update"),
  assignRoles: site("assign_role", "assign"),
  updateTemplates: any("template", "update"),
  readAllWorkspaces: site("workspace", "read"),
  readHealth: site("debug_info", "read"),
  readAudit: any("audit_log", "read"),
  readConnections: any("connection_log", "read"),
  readConfig: site("deployment_config", "read"),
  updateConfig: site("deployment_config", "update"),
  readProxies: site("workspace_proxy", "read"),
  updateProxies: site("workspace_proxy", "update"),
  updateGroups: any("group", "update"),
  readMembers: any("organization_member", "read"),
  createOrganization: site("organization", "create"),
  updateOauthApps: site("oauth2_app", "update"),
  readPolicies: any("policy", "read"),
  updatePolicies: site("policy", "update"),
  updateNotifications: site("notification_template", "update"),
  readSync: site("idpsync_settings", "read"),
  readKeys: any("provisioner_keys", "read"),
  createKeys: any("provisioner_keys", "create"),
  readLicenses: site("license", "read"),
  createKeysForOthers: site("api_key", "create"),
  readProvisioners: any("provisioner_daemon", "read"),
} as const;

export type Permissions = Record<keyof typeof checks, boolean>;

export const permissionsQuery = queryOptions({
  queryKey: ["permissions"],
  staleTime: 60_000,
  queryFn: async ({ signal }) => (await client.authCheck({ body: { checks }, signal })) as Permissions,
});

export const appearanceQuery = queryOptions({
  queryKey: ["appearance"],
  // A page that is open for days learns of an announcement when it is looked at again.
  staleTime: 5 * 60_000,
  queryFn: ({ signal }) => client.appearance({ signal }),
});

export const buildInfoQuery = queryOptions({
  queryKey: ["build-info"],
  staleTime: Number.POSITIVE_INFINITY,
  queryFn: ({ signal }) => client.buildInfo({ signal }),
});
