import type { Action, Resource } from "./resources.js";
import type { Role } from "./roles.js";

/** Who acts. Roles are built-in ones by name, or custom ones by what they give; a name that does not exist gives nothing. */
export type Subject = {
  readonly userId: string;
  /** Roles in the whole deployment; `member` is held by everyone and need not be listed. */
  readonly roles: readonly (string | Role)[];
  /** Roles by organization; a key is a membership, and `organization-member` need not be listed. */
  readonly orgRoles: Readonly<Record<string, readonly (string | Role)[]>>;
  /** Ids of the groups that the user is in. */
  readonly groups: readonly string[];
  /**
   * What the credential is limited to: `all`, `application_connect`, `resource:action` or `resource:*`; any of them is
   * enough. Absent: no limit.
   */
  readonly scope?: readonly string[];
  /** Limits the credential to these objects. Absent: no limit. */
  readonly allowList?: readonly { readonly type: Resource; readonly id: string }[];
};

/** What is acted upon. */
export type AccessObject = {
  readonly type: Resource;
  /** Absent: one that is yet to be created, or any. */
  readonly id?: string;
  /** The user it belongs to. */
  readonly ownerId?: string;
  /** The organization it is in. */
  readonly orgId?: string;
  readonly acl?: AccessControlList;
};

/** Actions that were given to single users and groups, by id. */
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
    orgRoles: { [workspace.orgId]: [] },
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
