import { FleetError } from "@fleet/base";
import { ACL_LIMIT, type AclChange } from "../auth/acl.js";
import { type Database, inTransaction, type Transaction } from "../database/client.js";
import { toJson } from "../database/json.js";

/** Whose workspaces an organization lets be shared. */
export type ShareableOwners = "everyone" | "service_accounts" | "none";

/** Stores who workspaces are shared with. */
export type SharingStore = {
  shareableOwners(organizationId: string): Promise<ShareableOwners>;
  /** Sets whose workspaces can be shared, and ends the shares of all others. */
  setShareableOwners(organizationId: string, owners: ShareableOwners): Promise<void>;
  /** Whether the user is a service account. */
  isServiceAccount(userId: string): Promise<boolean>;
  /**
   * Grants roles on a workspace and removes those of the ids in `removed`; concurrent changes to other ids are kept.
   * @throws invalid_argument for ids of no members or groups of the organization, conflict if the organization's setting
   * changed, resource_exhausted beyond ACL_LIMIT.
   */
  update(
    workspace: { id: string; organizationId: string },
    expected: ShareableOwners,
    users: AclChange,
    groups: AclChange,
  ): Promise<void>;
  /** Ends all shares of a workspace. */
  clear(workspaceId: string): Promise<void>;
};

export function createSharingStore(db: Database): SharingStore {
  return {
    async shareableOwners(organizationId) {
      const row = await db.organization.findUniqueOrThrow({ where: { id: organizationId } });
      return row.shareableWorkspaceOwners as ShareableOwners;
    },

    async setShareableOwners(organizationId, owners) {
      await inTransaction(db, async (tx) => {
        await tx.organization.update({
          where: { id: organizationId },
          data: { shareableWorkspaceOwners: owners },
        });
        if (owners === "everyone") return;
        await tx.$executeRaw`
          UPDATE workspaces w SET user_acl = '{}', group_acl = '{}' FROM users u
          WHERE w.organization_id = ${organizationId}::uuid AND u.id = w.owner_id
            AND (w.user_acl <> '{}' OR w.group_acl <> '{}')
            AND NOT (${owners} = 'service_accounts' AND u.email = '')`;
      });
    },

    async isServiceAccount(userId) {
      return (await db.user.count({ where: { id: userId, email: "" } })) > 0;
    },

    async update({ id, organizationId }, expected, users, groups) {
      await inTransaction(db, async (tx) => {
        // Whatever ends shares waits for this transaction, and then sees them; whatever has ended them is seen here.
        await holdSetting(tx, organizationId, expected);
        await holdMembers(tx, organizationId, Object.keys(users.given));
        await holdGroups(tx, organizationId, Object.keys(groups.given));
        const rows = await tx.$queryRaw<{ entries: number }[]>`
          UPDATE workspaces SET updated_at = now(),
            user_acl = (user_acl || ${toJson(users.given)}::jsonb) - ${[...users.removed]}::text[],
            group_acl = (group_acl || ${toJson(groups.given)}::jsonb) - ${[...groups.removed]}::text[]
          WHERE id = ${id}::uuid AND NOT deleted
          RETURNING ((SELECT count(*) FROM jsonb_object_keys(user_acl))
            + (SELECT count(*) FROM jsonb_object_keys(group_acl)))::int AS entries`;
        if ((rows[0]?.entries ?? 0) > ACL_LIMIT) {
          throw new FleetError(
            "invalid_argument",
            `A workspace can be shared with at most ${ACL_LIMIT} users and groups. Share it with a group instead.`,
          );
        }
      });
    },

    async clear(workspaceId) {
      await db.$executeRaw`
        UPDATE workspaces SET user_acl = '{}', group_acl = '{}', updated_at = now() WHERE id = ${workspaceId}::uuid`;
    },
  };
}

async function holdSetting(
  tx: Transaction,
  organizationId: string,
  expected: ShareableOwners,
): Promise<void> {
  const rows = await tx.$queryRaw<{ owners: string }[]>`
    SELECT shareable_workspace_owners AS owners FROM organizations
    WHERE id = ${organizationId}::uuid AND NOT deleted FOR SHARE`;
  if (rows[0]?.owners === expected) return;
  throw new FleetError("conflict", "The organization's settings for sharing changed. Try again.");
}

async function holdMembers(tx: Transaction, organizationId: string, ids: string[]): Promise<void> {
  if (ids.length === 0) return;
  const rows = await tx.$queryRaw<{ id: string }[]>`
    SELECT m.user_id AS id FROM organization_members m JOIN users u ON u.id = m.user_id AND NOT u.deleted AND NOT u.is_system
    WHERE m.organization_id = ${organizationId}::uuid AND m.user_id = ANY(${ids}::uuid[]) FOR KEY SHARE OF m FOR SHARE OF u`;
  refuseStrangers("user_roles", "user", ids, rows);
}

async function holdGroups(tx: Transaction, organizationId: string, ids: string[]): Promise<void> {
  if (ids.length === 0) return;
  const rows = await tx.$queryRaw<{ id: string }[]>`
    SELECT id FROM groups WHERE organization_id = ${organizationId}::uuid AND id = ANY(${ids}::uuid[]) FOR KEY SHARE`;
  refuseStrangers("group_roles", "group", ids, rows);
}

/** Those who do not exist and those of other organizations get the same answer. */
function refuseStrangers(field: string, what: string, ids: string[], known: { id: string }[]): void {
  const found = new Set(known.map(({ id }) => id));
  const violations = ids
    .filter((id) => !found.has(id))
    .map((id) => ({ field, detail: `The ${what} ${id} does not belong to the workspace's organization.` }));
  if (violations[0])
    throw new FleetError("invalid_argument", violations[0].detail, { validations: violations });
}
