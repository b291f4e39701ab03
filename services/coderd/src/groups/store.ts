import { FleetError } from "@fleet/base";
import { type Database, inTransaction, isUniqueViolation } from "../database/client.js";
import type { Prisma } from "../database/gen/client.js";

const include = {
  organization: true,
  members: { include: { user: true }, where: { user: { deleted: false } } },
} satisfies Prisma.GroupInclude;

export type GroupRow = Prisma.GroupGetPayload<{ include: typeof include }>;

/** An organization's group of all members has the organization's id. */
export function isEveryone(group: { id: string; organizationId: string }): boolean {
  return group.id === group.organizationId;
}

/** Stores groups and their members. */
export type GroupStore = {
  /** Null if the group does not exist. */
  find(id: string): Promise<GroupRow | null>;
  /** Null if the group does not exist. */
  findByName(organizationId: string, name: string): Promise<GroupRow | null>;
  /** The existing groups among these, by name. */
  byIds(ids: string[]): Promise<GroupRow[]>;
  /** The groups of these organizations that include the member, by name. */
  list(filter: { organizationIds?: readonly string[]; memberId?: string }): Promise<GroupRow[]>;
  /** @throws already_exists if the organization already has a group of this name. */
  insert(data: Prisma.GroupUncheckedCreateInput): Promise<GroupRow>;
  /** Updates the group and its members together. Only members of the organization can be added. */
  update(
    group: { id: string; organizationId: string },
    data: Prisma.GroupUpdateInput,
    members: { add: readonly string[]; remove: readonly string[] },
  ): Promise<GroupRow>;
  /** Deletes the group and its template roles. */
  delete(group: { id: string; organizationId: string }): Promise<void>;
};

export function createGroupStore(db: Database): GroupStore {
  const refuseTaken = (error: unknown): never => {
    if (!isUniqueViolation(error)) throw error;
    const detail = "A group with this name already exists. Choose another name.";
    throw new FleetError("already_exists", detail, { validations: [{ field: "name", detail }] });
  };

  /** Fills in members; those of the everyone group are the organization's members. */
  async function withMembers(rows: GroupRow[]): Promise<GroupRow[]> {
    const ids = rows.filter(isEveryone).map(({ id }) => id);
    if (ids.length === 0) return rows;
    const members = await db.organizationMember.findMany({
      where: { organizationId: { in: ids }, user: { deleted: false, isSystem: false } },
      include: { user: true },
      orderBy: { user: { username: "asc" } },
    });
    const byId = Map.groupBy(members, ({ organizationId }) => organizationId);
    const membersOf = (id: string) =>
      (byId.get(id) ?? []).map(({ userId, user }) => ({ groupId: id, userId, user }));
    return rows.map((row) => (isEveryone(row) ? { ...row, members: membersOf(row.id) } : row));
  }

  const complete = async (row: GroupRow | null): Promise<GroupRow | null> =>
    row && (await withMembers([row]))[0]!;

  return {
    find: async (id) => complete(await db.group.findUnique({ where: { id }, include })),
    findByName: async (organizationId, name) =>
      complete(
        await db.group.findUnique({ where: { organizationId_name: { organizationId, name } }, include }),
      ),
    byIds: async (ids) =>
      withMembers(await db.group.findMany({ where: { id: { in: ids } }, include, orderBy: { name: "asc" } })),
    async list(filter) {
      const holds = { members: { some: { userId: filter.memberId ?? "" } } };
      const isEveryoneOf = { id: { equals: db.group.fields.organizationId }, organization: holds };
      const rows = await db.group.findMany({
        where: {
          ...(filter.organizationIds ? { organizationId: { in: [...filter.organizationIds] } } : {}),
          ...(filter.memberId ? { OR: [holds, isEveryoneOf] } : {}),
        },
        include,
        orderBy: { name: "asc" },
      });
      return withMembers(rows);
    },
    insert: (data) => db.group.create({ data, include }).catch(refuseTaken),

    async update(group, data, members) {
      return inTransaction(db, async (tx) => {
        await tx.groupMember.deleteMany({
          where: { groupId: group.id, userId: { in: [...members.remove] } },
        });
        const add = [...new Set(members.add)];
        const known = await tx.organizationMember.count({
          where: { organizationId: group.organizationId, userId: { in: add } },
        });
        if (known < add.length) {
          const detail = "Only members of the group's organization can be added.";
          throw new FleetError("invalid_argument", detail, { validations: [{ field: "add_users", detail }] });
        }
        await tx.groupMember.createMany({
          data: add.map((userId) => ({ groupId: group.id, userId })),
          skipDuplicates: true,
        });
        return tx.group.update({ where: { id: group.id }, data, include });
      })
        .then(async (row) => (await withMembers([row]))[0]!)
        .catch(refuseTaken);
    },
    async delete({ id, organizationId }) {
      await inTransaction(db, async (tx) => {
        await tx.group.delete({ where: { id } });
        await tx.$executeRaw`
          UPDATE templates SET group_acl = group_acl - ${id}::text
          WHERE organization_id = ${organizationId}::uuid AND jsonb_exists(group_acl, ${id})`;
      });
    },
  };
}
