import type { Database } from "../database/client.js";
import { Prisma } from "../database/gen/client.js";
import { sameText } from "../database/text.js";
import { seenGroups, VISIBLE } from "./predicates.js";
import type { Page } from "./users-store.js";

const select = {
  id: true,
  organizationId: true,
  name: true,
  displayName: true,
  createdAt: true,
  updatedAt: true,
  scimExternalId: true,
} satisfies Prisma.GroupSelect;

/** A group as SCIM sees it, without its members. */
export type GroupRecord = Prisma.GroupGetPayload<{ select: typeof select }>;

/** As for users, by the attributes of groups. */
const CONDITIONS = {
  id: (value) => ({ id: value }),
  displayName: (value) => ({
    OR: [{ displayName: sameText(value) }, { displayName: "", name: sameText(value) }],
  }),
  externalId: (value) => ({ scimExternalId: value }),
  members: (value) => ({ members: { some: { userId: value } } }),
  "members.value": (value) => ({ members: { some: { userId: value } } }),
} satisfies Record<string, (value: string) => Prisma.GroupWhereInput>;

export type GroupNarrowing = { attribute: keyof typeof CONDITIONS; value: string };
export const GROUP_NARROWINGS = Object.keys(CONDITIONS) as GroupNarrowing["attribute"][];

export type ScimGroupStore = {
  count(): Promise<number>;
  page(page: Page): Promise<GroupRecord[]>;
  /** At most `limit` groups after this one, in the order of pages. */
  after(id: string | undefined, limit: number, narrowing?: GroupNarrowing): Promise<GroupRecord[]>;
  /** Null if it does not exist or is hidden. */
  find(id: string): Promise<GroupRecord | null>;
  /** As `find`. Until the end of the transaction, other changes of the group wait. */
  findLocked(id: string): Promise<GroupRecord | null>;
  /** Names of all groups of the default organization. */
  names(): Promise<{ id: string; name: string; displayName: string }[]>;
  insert(data: {
    organizationId: string;
    name: string;
    displayName: string;
    scimExternalId: string | null;
  }): Promise<GroupRecord>;
  update(
    id: string,
    data: { displayName: string; name?: string; scimExternalId: string | null; updatedAt: Date },
  ): Promise<GroupRecord>;
  /** Ids of the members that SCIM sees, by group and in order; only those of the given users, if any are given. */
  members(groupIds: readonly string[], userIds?: readonly string[]): Promise<Map<string, string[]>>;
  /** Numbers of members that SCIM sees, by group. */
  countMembers(groupIds: readonly string[]): Promise<Map<string, number>>;
  /** A text that differs after every change of the members that SCIM sees. */
  membersDigest(groupId: string): Promise<string>;
  /** Those of the users that SCIM sees and that are members of the organization. */
  candidates(organizationId: string, userIds: readonly string[]): Promise<Set<string>>;
  changeMembers(
    groupId: string,
    change: { add: readonly string[]; remove: readonly string[] },
  ): Promise<void>;
};

/** SQL of VISIBLE, for the user `u`. */
const SEEN = Prisma.sql`NOT u.deleted AND NOT u.is_system AND u.email <> ''
  AND NOT (u.scim_deleted_at IS NOT NULL AND u.status = 'suspended')`;

export function createScimGroupStore(db: Database): ScimGroupStore {
  const seen = seenGroups(db);
  const orderBy = { id: "asc" } as const;
  const find = (id: string) => db.group.findFirst({ where: { AND: [seen, { id }] }, select });
  return {
    count: () => db.group.count({ where: seen }),
    page: ({ limit, offset }) =>
      db.group.findMany({ where: seen, select, orderBy, take: limit, skip: offset }),
    after: (id, limit, narrowing) =>
      db.group.findMany({
        where: {
          AND: [
            seen,
            id ? { id: { gt: id } } : {},
            narrowing ? CONDITIONS[narrowing.attribute](narrowing.value) : {},
          ],
        },
        select,
        orderBy,
        take: limit,
      }),
    find,
    async findLocked(id) {
      await db.$executeRaw`SELECT 1 FROM groups WHERE id = ${id}::uuid FOR NO KEY UPDATE`;
      return find(id);
    },
    names: () =>
      db.group.findMany({
        where: { organization: { isDefault: true, deleted: false } },
        select: { id: true, name: true, displayName: true },
      }),
    insert: (data) => db.group.create({ data: { ...data, source: "oidc" }, select }),
    update: (id, data) => db.group.update({ where: { id }, data, select }),

    async members(groupIds, userIds) {
      const only = userIds ? Prisma.sql`AND m.user_id = ANY(${[...userIds]}::uuid[])` : Prisma.empty;
      const rows = await db.$queryRaw<{ groupId: string; ids: string[] }[]>`
        SELECT m.group_id AS "groupId", array_agg(u.id::text ORDER BY u.id) AS ids
        FROM group_members m JOIN users u ON u.id = m.user_id
        WHERE m.group_id = ANY(${[...groupIds]}::uuid[]) ${only} AND ${SEEN}
        GROUP BY m.group_id`;
      return new Map(rows.map(({ groupId, ids }) => [groupId, ids]));
    },
    async countMembers(groupIds) {
      const rows = await db.groupMember.groupBy({
        by: ["groupId"],
        where: { groupId: { in: [...groupIds] }, user: VISIBLE },
        _count: true,
      });
      return new Map(rows.map(({ groupId, _count }) => [groupId, _count]));
    },
    async membersDigest(groupId) {
      const [row] = await db.$queryRaw<{ digest: string | null }[]>`
        SELECT md5(string_agg(u.id::text, ',' ORDER BY u.id)) AS digest
        FROM group_members m JOIN users u ON u.id = m.user_id
        WHERE m.group_id = ${groupId}::uuid AND ${SEEN}`;
      return row?.digest ?? "";
    },
    async candidates(organizationId, userIds) {
      const rows = await db.$queryRaw<{ id: string }[]>`
        SELECT u.id FROM users u JOIN organization_members o ON o.user_id = u.id
        WHERE o.organization_id = ${organizationId}::uuid AND u.id = ANY(${[...userIds]}::uuid[]) AND ${SEEN}`;
      return new Set(rows.map(({ id }) => id));
    },
    async changeMembers(groupId, { add, remove }) {
      if (remove.length > 0)
        await db.$executeRaw`
          DELETE FROM group_members WHERE group_id = ${groupId}::uuid AND user_id = ANY(${[...remove]}::uuid[])`;
      if (add.length > 0)
        await db.$executeRaw`
          INSERT INTO group_members (group_id, user_id)
          SELECT ${groupId}::uuid, id FROM unnest(${[...add]}::uuid[]) AS id ON CONFLICT DO NOTHING`;
    },
  };
}
