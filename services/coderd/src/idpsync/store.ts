import type { Database } from "../database/client.js";
import { UserNotFound } from "../users/errors.js";
import { MAX_MAPPED } from "./settings.js";

/** A user with everything that a synchronization may change, without the implied Everyone groups. */
export type SyncedUser = {
  id: string;
  username: string;
  avatarUrl: string;
  roles: string[];
  memberships: { organizationId: string; name: string; roles: string[] }[];
  groups: NamedGroup[];
};
export type NamedGroup = { id: string; name: string; organizationId: string };

/** Maximum length of the name of a group that is created from a claim: what a route takes in its path. */
const GROUP_NAME_LENGTH = 128;

/** Reads and changes what a user's claims decide about. */
export type SyncStore = {
  /** The user. Until the end of the transaction, other synchronizations of it wait. @throws UserNotFound. */
  lock(userId: string): Promise<SyncedUser>;
  /** @throws UserNotFound. */
  user(userId: string): Promise<SyncedUser>;
  setSiteRoles(userId: string, roles: string[]): Promise<void>;
  /** Ids of those organizations that exist, and of the default one if asked. */
  organizations(ids: readonly string[], withDefault: boolean): Promise<string[]>;
  addMemberships(userId: string, organizationIds: readonly string[]): Promise<void>;
  /** The organization's groups with one of these ids or names, without Everyone. */
  groups(organizationId: string, ids: readonly string[], names: readonly string[]): Promise<NamedGroup[]>;
  /** Creates groups, as those of an identity provider. Names that cannot be one are left out. */
  createGroups(organizationId: string, names: readonly string[]): Promise<NamedGroup[]>;
  changeGroups(userId: string, change: { add: string[]; remove: string[] }): Promise<void>;
  /** Names of the organization's custom roles. */
  customRoles(organizationId: string): Promise<string[]>;
};

export function createSyncStore(db: Database): SyncStore {
  const select = { id: true, name: true, organizationId: true } as const;

  async function user(id: string): Promise<SyncedUser> {
    const row = await db.user.findFirst({
      where: { id, deleted: false },
      include: {
        memberships: { where: { organization: { deleted: false } }, include: { organization: true } },
        groupMemberships: {
          where: { group: { organization: { deleted: false } } },
          include: { group: { select } },
        },
      },
    });
    if (!row) throw new UserNotFound();
    const { username, avatarUrl, roles, memberships, groupMemberships } = row;
    return {
      id,
      username,
      avatarUrl,
      roles,
      memberships: memberships.map(({ organizationId, organization, roles }) => ({
        organizationId,
        name: organization.name,
        roles,
      })),
      groups: groupMemberships.map(({ group }) => group),
    };
  }

  return {
    user,
    async lock(id) {
      await db.$executeRaw`SELECT 1 FROM users WHERE id = ${id}::uuid FOR NO KEY UPDATE`;
      return user(id);
    },
    async setSiteRoles(id, roles) {
      await db.user.update({ where: { id }, data: { roles } });
    },
    async organizations(ids, withDefault) {
      const rows = await db.organization.findMany({
        where: {
          deleted: false,
          OR: [{ id: { in: [...ids] } }, ...(withDefault ? [{ isDefault: true }] : [])],
        },
        select: { id: true },
      });
      return rows.map(({ id }) => id);
    },
    async addMemberships(userId, organizationIds) {
      const data = organizationIds.map((organizationId) => ({ organizationId, userId }));
      await db.organizationMember.createMany({ data, skipDuplicates: true });
    },
    groups: (organizationId, ids, names) =>
      db.group.findMany({
        where: {
          organizationId,
          id: { not: organizationId },
          OR: [{ id: { in: [...ids] } }, { name: { in: [...names] } }],
        },
        select,
      }),
    async createGroups(organizationId, names) {
      const data = names
        .filter(isGroupName)
        // In one order, so that two sign-ins that create the same groups wait for each other instead of deadlocking.
        .sort()
        .slice(0, MAX_MAPPED)
        .map((name) => ({ organizationId, name, source: "oidc" }));
      if (data.length === 0) return [];
      return db.group.createManyAndReturn({ data, skipDuplicates: true, select });
    },
    async changeGroups(userId, { add, remove }) {
      if (remove.length > 0) await db.groupMember.deleteMany({ where: { userId, groupId: { in: remove } } });
      if (add.length === 0) return;
      const data = [...new Set(add)].map((groupId) => ({ groupId, userId }));
      await db.groupMember.createMany({ data, skipDuplicates: true });
    },
    async customRoles(organizationId) {
      const rows = await db.$queryRaw<{ name: string }[]>`
        SELECT name FROM custom_roles WHERE organization_id = ${organizationId}::uuid`;
      return rows.map(({ name }) => name);
    },
  };
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
const ONE_LINE = /^[^\u0000-\u001f\u007f]*$/;

function isGroupName(name: string): boolean {
  return name.length <= GROUP_NAME_LENGTH && ONE_LINE.test(name) && name.toLowerCase() !== "everyone";
}
