import { FleetError } from "@fleet/base";
import type { Reach } from "@fleet/rbac";
import { reachable } from "../auth/predicates.js";
import { type Database, inTransaction, isUniqueViolation } from "../database/client.js";
import { Prisma } from "../database/gen/client.js";
import { likeText } from "../database/text.js";

const include = { organization: true } satisfies Prisma.GroupInclude;

/** A group with its organization. */
export type GroupRow = Prisma.GroupGetPayload<{ include: typeof include }>;
type Member = Prisma.GroupMemberGetPayload<{ include: { user: true } }>;

/** A group with the members that its reader may see, and how many it has. */
export type GroupView = GroupRow & { members: Member[]; memberCount: number };

/** An organization's group of all members has the organization's id. */
export function isEveryone(group: { id: string; organizationId: string }): boolean {
  return group.id === group.organizationId;
}

export type GroupFilter = {
  organizationId?: string | undefined;
  /** Groups that include this user. */
  memberId?: string | undefined;
  ids?: readonly string[] | undefined;
  /** Part of the name or display name. */
  search?: string | undefined;
  limit?: number | undefined;
  offset?: number | undefined;
};

/** Stores groups and their members. */
export type GroupStore = {
  /** Null if the group does not exist. */
  find(id: string): Promise<GroupRow | null>;
  /** Null if the group does not exist. */
  findByName(organizationId: string, name: string): Promise<GroupRow | null>;
  /** The groups of organizations that exist, within the reach, by name. */
  list(filter: GroupFilter, reach?: Reach): Promise<GroupRow[]>;
  /** The groups with those of their members that are within the reach, by username, and the number of all. */
  withMembers(groups: readonly GroupRow[], reach: Reach): Promise<GroupView[]>;
  /** @throws already_exists if the organization already has a group of this name. */
  insert(data: Prisma.GroupUncheckedCreateInput): Promise<GroupRow>;
  /** Updates the group and its members together. Only members of the organization can be added. */
  update(
    group: { id: string; organizationId: string },
    data: Prisma.GroupUpdateInput,
    members: { add: readonly string[]; remove: readonly string[] },
  ): Promise<GroupRow>;
  /** Deletes the group; a trigger ends its roles on templates and workspaces. */
  delete(group: { id: string }): Promise<void>;
};

/** Who is in a group; the rows of an organization's members are those of its Everyone group. */
const MEMBERS = Prisma.sql`
  (SELECT gm.group_id, gm.user_id FROM group_members gm
   UNION ALL SELECT om.organization_id, om.user_id FROM organization_members om)`;

export function createGroupStore(db: Database): GroupStore {
  const refuseTaken = (error: unknown): never => {
    if (!isUniqueViolation(error)) throw error;
    const detail = "A group with this name already exists. Choose another name.";
    throw new FleetError("already_exists", detail, { validations: [{ field: "name", detail }] });
  };

  return {
    find: (id) => db.group.findUnique({ where: { id, organization: { deleted: false } }, include }),
    findByName: (organizationId, name) =>
      db.group.findUnique({ where: { organizationId_name: { organizationId, name } }, include }),

    async list(filter, reach) {
      const { organizationId, memberId, ids, search, limit, offset = 0 } = filter;
      const text = search ? `%${likeText(search)}%` : undefined;
      const conditions = [
        Prisma.sql`NOT o.deleted`,
        ...(reach ? [reachable(reach, GROUP_COLUMNS)] : []),
        ...(organizationId ? [Prisma.sql`g.organization_id = ${organizationId}::uuid`] : []),
        ...(ids ? [Prisma.sql`g.id = ANY(${[...ids]}::uuid[])`] : []),
        ...(memberId
          ? [
              Prisma.sql`EXISTS (SELECT 1 FROM ${MEMBERS} m WHERE m.group_id = g.id AND m.user_id = ${memberId}::uuid)`,
            ]
          : []),
        ...(text ? [Prisma.sql`(g.name ILIKE ${text} OR g.display_name ILIKE ${text})`] : []),
      ];
      const page = limit ? Prisma.sql`LIMIT ${limit}` : Prisma.empty;
      const found = await db.$queryRaw<{ id: string }[]>`
        SELECT g.id FROM groups g JOIN organizations o ON o.id = g.organization_id
        WHERE ${Prisma.join(conditions, " AND ")} ORDER BY g.name, g.id ${page} OFFSET ${offset}`;
      return db.group.findMany({
        where: { id: { in: found.map(({ id }) => id) } },
        include,
        orderBy: [{ name: "asc" }, { id: "asc" }],
      });
    },

    async withMembers(groups, reach) {
      if (groups.length === 0) return [];
      const ids = groups.map(({ id }) => id);
      const visible = reachable(reach, {
        id: Prisma.sql`NULL::uuid`,
        organization: Prisma.sql`g.organization_id`,
        owner: Prisma.sql`m.user_id`,
      });
      const tables = Prisma.sql`groups g JOIN ${MEMBERS} m ON m.group_id = g.id
        JOIN users u ON u.id = m.user_id AND NOT u.deleted AND NOT u.is_system
        WHERE g.id = ANY(${ids}::uuid[])`;
      const [counts, seen] = await Promise.all([
        db.$queryRaw<{ groupId: string; count: number }[]>`
          SELECT g.id AS "groupId", count(*)::int AS count FROM ${tables} GROUP BY g.id`,
        db.$queryRaw<{ groupId: string; userId: string }[]>`
          SELECT g.id AS "groupId", m.user_id AS "userId" FROM ${tables} AND ${visible} ORDER BY u.username`,
      ]);
      const rows = await db.user.findMany({
        where: { id: { in: [...new Set(seen.map(({ userId }) => userId))] } },
      });
      const users = new Map(rows.map((user) => [user.id, user]));
      const countOf = new Map(counts.map(({ groupId, count }) => [groupId, count]));
      const byGroup = Map.groupBy(seen, ({ groupId }) => groupId);
      return groups.map((group) => ({
        ...group,
        members: (byGroup.get(group.id) ?? []).flatMap((member) => {
          const user = users.get(member.userId);
          return user ? [{ ...member, user }] : [];
        }),
        memberCount: countOf.get(group.id) ?? 0,
      }));
    },

    insert: (data) => db.group.create({ data, include }).catch(refuseTaken),

    async update(group, data, members) {
      return inTransaction(db, async (tx) => {
        await tx.groupMember.deleteMany({
          where: { groupId: group.id, userId: { in: [...members.remove] } },
        });
        const add = [...new Set(members.add)];
        // Locked, so that a member who is leaving does not stay in the group.
        const known = await tx.$queryRaw<{ id: string }[]>`
          SELECT user_id AS id FROM organization_members
          WHERE organization_id = ${group.organizationId}::uuid AND user_id = ANY(${add}::uuid[]) FOR KEY SHARE`;
        if (known.length < add.length) {
          const detail = "Only members of the group's organization can be added.";
          throw new FleetError("invalid_argument", detail, { validations: [{ field: "add_users", detail }] });
        }
        await tx.groupMember.createMany({
          data: add.map((userId) => ({ groupId: group.id, userId })),
          skipDuplicates: true,
        });
        return tx.group.update({ where: { id: group.id }, data, include });
      }).catch(refuseTaken);
    },
    async delete({ id }) {
      await db.group.delete({ where: { id } });
    },
  };
}

/** Members may read their groups, as if each group had an ACL that says so. */
const GROUP_COLUMNS = {
  id: Prisma.sql`g.id`,
  organization: Prisma.sql`g.organization_id`,
  acl: {
    users: Prisma.sql`'{}'::jsonb`,
    groups: Prisma.sql`jsonb_build_object(g.id::text, '["read"]'::jsonb)`,
    roles: ["read"],
  },
};
