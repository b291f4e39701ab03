import type { Action, Resource } from "./resources.js";
import type { Role } from "./roles.js";

/** Who acts. Built-in roles are given by name, custom ones by their permissions; unknown names grant nothing. */
export type Subject = {
  readonly userId: string;
  /** Site roles; `member` is held by everyone and need not be listed. */
  readonly roles: readonly (string | Role)[];
  /** Roles by organization; a key means membership, and `organization-member` need not be listed. */
  readonly orgRoles: Readonly<Record<string, readonly (string | Role)[]>>;
  /** Ids of the user's groups. */
  readonly groups: readonly string[];
  /**
   * The credential's scopes: `all`, `application_connect`, `resource:action` or `resource:*`; any one of them
   * suffices. Absent: no limit.
   */
  readonly scope?: readonly string[];
  /** False if workspace sharing is disabled: nobody may share a workspace, and their ACLs count for nothing. */
  readonly workspaceSharing?: boolean;
  /** Limits the credential to these objects. Absent: no limit. */
  readonly allowList?: readonly AllowListEntry[];
};

/** An object that a credential reaches; `*` stands for any type or any id. */
export type AllowListEntry = { readonly type: Resource | "*"; readonly id: string };

/** The object acted on. */
export type AccessObject = {
  readonly type: Resource;
  /** Absent: one yet to be created, or any. */
  readonly id?: string;
  /** The user who owns it. */
  readonly ownerId?: string;
  /** The organization it belongs to. */
  readonly orgId?: string;
  readonly acl?: AccessControlList;
};

/**
 * Actions that were given to single users and groups, by id. An entry counts only while its holder is a member of the
 * object's organization.
 */
export type AccessControlList = {
  readonly users?: Readonly<Record<string, readonly Action[]>>;
  readonly groups?: Readonly<Record<string, readonly Action[]>>;
};

/** The platform itself, in background jobs. */
export const SYSTEM: Subject = {
  userId: "00000000-0000-0000-0000-000000000000",
  roles: ["owner"],
  orgRoles: {},
  groups: [],
};

/** A workspace agent: it acts for the workspace's owner, upon that workspace and the owner's own keys alone. */
export function agentSubject(workspace: { id: string; ownerId: string; orgId: string }): Subject {
  return {
    userId: workspace.ownerId,
    roles: [],
    orgRoles: { [workspace.orgId]: ["organization-workspace-access"] },
    groups: [],
    scope: [
      "workspace:read",
      "workspace:update",
      "workspace:create_agent",
      "workspace:delete_agent",
      "user:read_personal",
    ],
    allowList: [
      { type: "workspace", id: workspace.id },
      { type: "user", id: workspace.ownerId },
    ],
  };
}
