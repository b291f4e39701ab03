import { FleetError, isUuid } from "@fleet/base";
import type { AclChange } from "../auth/acl.js";
import type { Actor } from "../auth/actor.js";
import { authorizer, requireUser } from "../auth/authorizer.js";
import type { WorkspaceAcl, WorkspaceRole } from "../auth/workspace-access.js";
import type { GroupStore, GroupView } from "../groups/store.js";
import type { Organizations } from "../organizations/service.js";
import type { UserRow, UserStore } from "../users/store.js";
import type { Workspaces } from "../workspaces/service.js";
import type { WorkspaceRow } from "../workspaces/store.js";
import type { ShareableOwners, SharingStore } from "./store.js";

export type WorkspaceShares = {
  users: { row: UserRow; role: WorkspaceRole }[];
  groups: { row: GroupView; role: WorkspaceRole }[];
};

export type SharingSettings = { owners: ShareableOwners; globallyDisabled: boolean };

/** Who workspaces are shared with. */
export type WorkspaceSharing = {
  /** @throws WorkspaceNotFound if the actor may not read the workspace. */
  list(actor: Actor, workspaceId: string): Promise<WorkspaceShares>;
  /**
   * Shares with members and groups of the workspace's organization; an empty role ends a share.
   * @throws permission_denied if sharing is disabled, or the actor may not share the workspace; nobody whom it is only
   * shared with changes their own role.
   */
  update(
    actor: Actor,
    workspaceId: string,
    change: {
      users: Record<string, WorkspaceRole | "">;
      groups: Record<string, WorkspaceRole | "">;
    },
  ): Promise<void>;
  /** Ends all shares. */
  clear(actor: Actor, workspaceId: string): Promise<void>;
  /** One page of the members and groups whose names match, for actors who may share the workspace. */
  candidates(
    actor: Actor,
    workspaceId: string,
    page: CandidatePage,
  ): Promise<{ users: UserRow[]; groups: GroupView[] }>;
  settings(actor: Actor, organization: string): Promise<SharingSettings>;
  /** Ends the shares that the setting excludes. */
  setSettings(actor: Actor, organization: string, owners: ShareableOwners): Promise<SharingSettings>;
};

export type CandidatePage = {
  search?: string | undefined;
  limit?: number | undefined;
  offset?: number | undefined;
};

/** Maximum users, and groups, of one page. */
export const CANDIDATES_LIMIT = 100;

export function createWorkspaceSharing(options: {
  store: SharingStore;
  workspaces: Pick<Workspaces, "require">;
  organizations: Pick<Organizations, "require">;
  users: UserStore;
  groups: GroupStore;
  /** The deployment's setting. */
  enabled: boolean;
}): WorkspaceSharing {
  const { store, workspaces, organizations, users, groups, enabled } = options;

  /** The workspace and its organization's setting, if the actor may share it and both settings allow that. */
  async function requireShareable(
    actor: Actor,
    workspaceId: string,
  ): Promise<{ workspace: WorkspaceRow; owners: ShareableOwners }> {
    if (!enabled) {
      await workspaces.require(actor, "read", workspaceId);
      throw refused("Workspace sharing is disabled for this deployment.");
    }
    const workspace = await workspaces.require(actor, "share", workspaceId);
    const owners = await store.shareableOwners(workspace.organizationId);
    if (owners === "none") throw refused("Workspace sharing is disabled for this organization.");
    if (owners === "service_accounts" && !(await store.isServiceAccount(workspace.ownerId)))
      throw refused("This organization only allows sharing the workspaces of service accounts.");
    return { workspace, owners };
  }

  /** Whoever may share every workspace may change their own role, too; others would lock themselves out or move up. */
  function requireNotOneself(actor: Actor, { organizationId }: WorkspaceRow, ids: readonly string[]): void {
    if (!ids.includes(requireUser(actor).userId)) return;
    if (authorizer.can(actor, "share", { type: "workspace", orgId: organizationId })) return;
    const detail = "You cannot change your own role. Ask the workspace's owner.";
    throw new FleetError("invalid_argument", detail, { validations: [{ field: "user_roles", detail }] });
  }

  const asSeenBy = async (actor: Actor, rows: Awaited<ReturnType<GroupStore["list"]>>) =>
    groups.withMembers(rows, authorizer.reach(requireUser(actor), "read", "group_member"));

  return {
    async list(actor, workspaceId) {
      const workspace = await workspaces.require(actor, "read", workspaceId);
      const [userAcl, groupAcl] = [workspace.userAcl as WorkspaceAcl, workspace.groupAcl as WorkspaceAcl];
      const [userRows, groupRows] = await Promise.all([
        users.byIds(Object.keys(userAcl)),
        groups.list({ ids: Object.keys(groupAcl) }),
      ]);
      return {
        users: userRows.map((row) => ({ row, role: roleOf(userAcl[row.id]) })),
        groups: (await asSeenBy(actor, groupRows)).map((row) => ({ row, role: roleOf(groupAcl[row.id]) })),
      };
    },

    async update(actor, workspaceId, change) {
      const { workspace, owners } = await requireShareable(actor, workspaceId);
      const given = {
        users: aclChange("user_roles", change.users),
        groups: aclChange("group_roles", change.groups),
      };
      const named = [...Object.keys(given.users.given), ...given.users.removed];
      requireNotOneself(actor, workspace, named);
      if (given.users.given[workspace.ownerId]) {
        const detail = "The owner of the workspace has every permission already.";
        throw new FleetError("invalid_argument", detail, { validations: [{ field: "user_roles", detail }] });
      }
      await store.update(workspace, owners, given.users, given.groups);
    },

    async clear(actor, workspaceId) {
      const { workspace } = await requireShareable(actor, workspaceId);
      requireNotOneself(actor, workspace, Object.keys(workspace.userAcl as WorkspaceAcl));
      await store.clear(workspace.id);
    },

    async candidates(actor, workspaceId, { search, limit, offset }) {
      const { workspace } = await requireShareable(actor, workspaceId);
      const page = { search, limit: Math.min(limit || CANDIDATES_LIMIT, CANDIDATES_LIMIT), offset };
      const { organizationId } = workspace;
      const [userRows, groupRows] = await Promise.all([
        users.membersOf(organizationId, { ...page, except: workspace.ownerId }),
        groups.list({ organizationId, ...page }),
      ]);
      return { users: userRows, groups: await asSeenBy(actor, groupRows) };
    },

    async settings(actor, organization) {
      const { id } = await organizations.require(actor, "read", organization);
      return { owners: await store.shareableOwners(id), globallyDisabled: !enabled };
    },

    async setSettings(actor, organization, owners) {
      const { id } = await organizations.require(actor, "update", organization);
      await store.setShareableOwners(id, owners);
      return { owners, globallyDisabled: !enabled };
    },
  };
}

function refused(message: string): FleetError {
  return new FleetError("permission_denied", message);
}

function roleOf(roles: WorkspaceRole[] | undefined): WorkspaceRole {
  return roles?.includes("admin") ? "admin" : "use";
}

function aclChange(field: string, roles: Record<string, WorkspaceRole | "">): AclChange {
  const given: Record<string, string[]> = {};
  const removed: string[] = [];
  for (const [key, role] of Object.entries(roles)) {
    if (!isUuid(key)) {
      const detail = `"${key}" is not a valid ID. Use a UUID.`;
      throw new FleetError("invalid_argument", detail, { validations: [{ field, detail }] });
    }
    const id = key.toLowerCase();
    if (role === "") removed.push(id);
    else given[id] = [role];
  }
  return { given, removed };
}
