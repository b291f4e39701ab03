import { type Action, RESOURCES, type Resource } from "./resources.js";

/** Actions by resource; `"*"` is every action of the resource. */
export type Permissions = { readonly [R in Resource]?: readonly Action[] | "*" };

/**
 * What a role grants. A site role applies to the whole deployment; an organization role grants nothing outside its
 * organization.
 */
export type Role = {
  /** On every object: of the deployment for a site role, of the organization for an organization role. */
  readonly all?: Permissions;
  /** On the holder's own objects: outside organizations for a site role, inside its own for an organization role. */
  readonly own?: Permissions;
  /** Denied inside the organization, whatever else grants it there. Only a site role overrides it. */
  readonly deny?: Permissions;
};

const EVERYTHING = Object.fromEntries(RESOURCES.map((resource) => [resource, "*"])) as Permissions;

const WITHOUT_EXEC: readonly Action[] = [
  "create",
  "read",
  "update",
  "delete",
  "start",
  "stop",
  "share",
  "create_agent",
  "delete_agent",
];

export const SITE_ROLES = {
  owner: { all: EVERYTHING },
  "user-admin": {
    all: {
      assign_org_role: ["read"],
      group: "*",
      group_member: "*",
      idpsync_settings: "*",
      organization: ["read"],
      organization_member: "*",
      user: "*",
    },
  },
  "template-admin": {
    all: {
      file: "*",
      group: ["read"],
      group_member: ["read"],
      organization: ["read"],
      organization_member: ["read"],
      policy: ["read"],
      provisioner_daemon: "*",
      provisioner_jobs: "*",
      provisioner_keys: "*",
      template: "*",
      user: ["read"],
      workspace: ["read"],
      workspace_dormant: ["read"],
    },
  },
  auditor: {
    all: {
      audit_log: ["read"],
      connection_log: ["read"],
      deployment_config: ["read"],
      deployment_stats: ["read"],
      group: ["read"],
      group_member: ["read"],
      organization: ["read"],
      organization_member: ["read"],
      policy: ["read"],
      template: ["read", "view_insights"],
      user: ["read"],
    },
  },
  member: {
    all: { assign_role: ["read"], oauth2_app: ["read"], workspace_proxy: ["read"] },
    own: {
      api_key: "*",
      file: "*",
      inbox_notification: ["read", "update"],
      notification_preference: "*",
      oauth2_app_code_token: "*",
      user: ["read", "read_personal", "update_personal"],
      webpush_subscription: "*",
    },
  },
} as const satisfies Record<string, Role>;

export const ORGANIZATION_ROLES = {
  "organization-admin": {
    all: {
      assign_org_role: "*",
      audit_log: ["read"],
      connection_log: ["read"],
      group: "*",
      group_member: "*",
      idpsync_settings: "*",
      organization: ["read", "update", "delete"],
      organization_member: "*",
      policy: "*",
      provisioner_daemon: "*",
      provisioner_jobs: "*",
      provisioner_keys: "*",
      template: "*",
      workspace: WITHOUT_EXEC,
      workspace_agent_resource_monitor: "*",
      workspace_dormant: "*",
    },
  },
  "organization-user-admin": {
    all: {
      assign_org_role: ["assign", "unassign", "read"],
      group: "*",
      group_member: "*",
      idpsync_settings: "*",
      organization_member: "*",
    },
  },
  "organization-template-admin": {
    all: {
      group: ["read"],
      group_member: ["read"],
      organization_member: ["read"],
      policy: ["read"],
      provisioner_daemon: "*",
      provisioner_jobs: "*",
      provisioner_keys: "*",
      template: "*",
      workspace: ["read"],
      workspace_dormant: ["read"],
    },
  },
  "organization-auditor": {
    all: {
      audit_log: ["read"],
      connection_log: ["read"],
      group: ["read"],
      group_member: ["read"],
      organization_member: ["read"],
      policy: ["read"],
      template: ["read", "view_insights"],
    },
  },
  "organization-member": {
    all: { assign_org_role: ["read"], organization: ["read"], provisioner_daemon: ["read"] },
    own: {
      group_member: ["read"],
      organization_member: ["read"],
      provisioner_daemon: ["create"],
      provisioner_jobs: ["read"],
    },
  },
  /** Held by every member unless the organization's default roles say otherwise. */
  "organization-workspace-access": {
    own: {
      workspace: "*",
      workspace_agent_resource_monitor: "*",
      workspace_dormant: "*",
    },
  },
  "organization-workspace-creation-ban": { deny: { workspace: ["create"] } },
} as const satisfies Record<string, Role>;

/** The default roles of a new organization's members: they have workspaces. */
export const DEFAULT_MEMBER_ROLES: readonly string[] = ["organization-workspace-access"];

export type SiteRoleName = keyof typeof SITE_ROLES;
export type OrganizationRoleName = keyof typeof ORGANIZATION_ROLES;

/**
 * The owner's role when owners may not access others' workspaces (CODER_DISABLE_OWNER_WORKSPACE_ACCESS). They cannot
 * create keys for other users either, because such a key would give them access.
 */
export const OWNER_WITHOUT_WORKSPACE_ACCESS: Role = {
  all: { ...EVERYTHING, workspace: WITHOUT_EXEC, api_key: ["read", "update", "delete"] },
};
