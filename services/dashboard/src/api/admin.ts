import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { client } from "./client.js";

type Paged = { q: string; limit: number; offset: number };

export const auditQuery = (query: Paged) =>
  queryOptions({
    queryKey: ["audit", query],
    queryFn: ({ signal }) => client.auditList({ query, signal }),
    placeholderData: keepPreviousData,
    retry: false,
  });

export const connectionsQuery = (query: Paged) =>
  queryOptions({
    queryKey: ["connections", query],
    queryFn: ({ signal }) => client.connectionLogList({ query, signal }),
    placeholderData: keepPreviousData,
    retry: false,
  });

export const groupsQuery = queryOptions({
  queryKey: ["groups"],
  queryFn: ({ signal }) => client.groupList({ signal }),
});

export const groupQuery = (group: string) =>
  queryOptions({
    queryKey: ["groups", group],
    queryFn: ({ signal }) => client.groupGet({ params: { group }, signal }),
  });

export const organizationQuery = (organization: string) =>
  queryOptions({
    queryKey: ["organizations", organization],
    queryFn: ({ signal }) => client.organizationGet({ params: { organization }, signal }),
  });

export const membersQuery = (organization: string, query: { limit: number; offset: number }) =>
  queryOptions({
    queryKey: ["members", organization, query],
    queryFn: ({ signal }) => client.memberListPaginated({ params: { organization }, query, signal }),
    placeholderData: keepPreviousData,
  });

export const organizationRolesQuery = (organization: string) =>
  queryOptions({
    queryKey: ["organization-roles", organization],
    queryFn: ({ signal }) => client.organizationRoleList({ params: { organization }, signal }),
  });

/** How much of their quotas an organization's members use, the largest consumers first. */
export const quotasQuery = (organization: string, query: { limit: number; offset: number }) =>
  queryOptions({
    queryKey: ["quotas", organization, query],
    queryFn: ({ signal }) => client.organizationQuotas({ params: { organization }, query, signal }),
    placeholderData: keepPreviousData,
  });

/** What the user may do in an organization. */
export const organizationPermissionsQuery = (organization: string) =>
  queryOptions({
    queryKey: ["organization-permissions", organization],
    staleTime: 60_000,
    queryFn: ({ signal }) => {
      const may = (resource_type: string, action: string) => ({
        object: { resource_type, organization_id: organization },
        action,
      });
      const checks = {
        update: {
          object: { resource_type: "organization", resource_id: organization },
          action: "update",
        },
        delete: {
          object: { resource_type: "organization", resource_id: organization },
          action: "delete",
        },
        addMembers: may("organization_member", "create"),
        removeMembers: may("organization_member", "delete"),
        assignRoles: may("assign_org_role", "assign"),
        updateRoles: may("assign_org_role", "update"),
        createGroups: may("group", "create"),
        updateSync: may("idpsync_settings", "update"),
        readSync: may("idpsync_settings", "read"),
      };
      return client.authCheck({ body: { checks }, signal }) as Promise<Record<keyof typeof checks, boolean>>;
    },
  });

export const sharingSettingsQuery = (organization: string) =>
  queryOptions({
    queryKey: ["sharing-settings", organization],
    queryFn: ({ signal }) => client.workspaceSharingSettings({ params: { organization }, signal }),
  });

export const proxiesQuery = queryOptions({
  queryKey: ["proxies"],
  queryFn: async ({ signal }) => (await client.workspaceProxyList({ signal })).regions,
});

export const configQuery = queryOptions({
  queryKey: ["deployment-config"],
  queryFn: async ({ signal }) => (await client.deploymentConfig({ signal })).options,
});

export const replicasQuery = queryOptions({
  queryKey: ["replicas"],
  queryFn: ({ signal }) => client.replicas({ signal }),
});

export const entitlementsQuery = queryOptions({
  queryKey: ["entitlements"],
  queryFn: async ({ signal }) => (await client.entitlements({ signal })).features,
});

export const oauthAppsQuery = queryOptions({
  queryKey: ["oauth2-apps"],
  queryFn: ({ signal }) => client.oauth2AppList({ signal }),
});

export const oauthAppQuery = (app: string) =>
  queryOptions({
    queryKey: ["oauth2-apps", app],
    queryFn: ({ signal }) => client.oauth2AppGet({ params: { oauth2App: app }, signal }),
  });

export const oauthSecretsQuery = (app: string) =>
  queryOptions({
    queryKey: ["oauth2-secrets", app],
    queryFn: ({ signal }) => client.oauth2AppSecretList({ params: { oauth2App: app }, signal }),
  });

export const oauthSettingsQuery = queryOptions({
  queryKey: ["oauth2-settings"],
  queryFn: ({ signal }) => client.oauth2SettingsGet({ signal }),
});

export const policiesQuery = queryOptions({
  queryKey: ["policies"],
  queryFn: ({ signal }) => client.policyList({ signal }),
});

export const webhooksQuery = queryOptions({
  queryKey: ["webhooks"],
  queryFn: ({ signal }) => client.webhookList({ signal }),
});

export const deliveriesQuery = (state: "pending" | "sent" | "dead", limit: number) =>
  queryOptions({
    queryKey: ["deliveries", state, limit],
    queryFn: ({ signal }) => client.deliveryList({ query: { state, limit }, signal }),
  });

export const notificationSettingsQuery = queryOptions({
  queryKey: ["notification-settings"],
  queryFn: ({ signal }) => client.notificationSettings({ signal }),
});

export const notificationMethodsQuery = queryOptions({
  queryKey: ["notification-methods"],
  queryFn: ({ signal }) => client.notificationMethods({ signal }),
});

export const organizationSyncQuery = queryOptions({
  queryKey: ["organization-sync"],
  queryFn: ({ signal }) => client.organizationSyncGet({ signal }),
});

export const groupSyncQuery = (organization: string) =>
  queryOptions({
    queryKey: ["group-sync", organization],
    queryFn: ({ signal }) => client.groupSyncGet({ params: { organization }, signal }),
  });

export const roleSyncQuery = (organization: string) =>
  queryOptions({
    queryKey: ["role-sync", organization],
    queryFn: ({ signal }) => client.roleSyncGet({ params: { organization }, signal }),
  });

export const provisionerKeysQuery = (organization: string) =>
  queryOptions({
    queryKey: ["provisioner-keys", organization],
    queryFn: ({ signal }) => client.provisionerKeyDaemonList({ params: { organization }, signal }),
  });

export const healthSettingsQuery = queryOptions({
  queryKey: ["health-settings"],
  queryFn: ({ signal }) => client.debugHealthSettings({ signal }),
});
