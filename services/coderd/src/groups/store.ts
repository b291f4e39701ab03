import { FleetError } from "@fleet/base";
import { type Database, inTransaction, isUniqueViolation } from "../database/client.js";
import type { Prisma } from "../database/gen/client.js";

const include = {
  organization: true,
  members: { include: { user: true }, where: { user: { deleted: false } } },
} satisfies Prisma.GroupInclude;

export type GroupRow = Prisma.GroupGetPayload<{ include: typeof include }>;

export type GroupStore = ReturnType<typeof createGroupStore>;

export function createGroupStore(db: Database) {
  const refuseTaken = (error: unknown): never => {
    if (!isUniqueViolation(error)) throw error;
    const detail = "A group of this name is there already. Choose another name.";
    throw new FleetError("already_exists", detail, { validations: [{ field: "name", detail }] });
  };

  return {
    find: (id: string): Promise<GroupRow | null> => db.group.findUnique({ where: { id }, include }),
    byIds: (ids: string[]): Promise<GroupRow[]> =>
      db.group.findMany({ where: { id: { in: ids } }, include, orderBy: { name: "asc" } }),
    findByName: (organizationId: string, name: string): Promise<GroupRow | null> =>
      db.group.findUnique({ where: { organizationId_name: { organizationId, name } }, include }),
    list: (filter: { organizationIds?: readonly string[]; memberId?: string }): Promise<GroupRow[]> =>
      db.group.findMany({
        where: {
          ...(filter.organizationIds ? { organizationId: { in: [...filter.organizationIds] } } : {}),
          ...(filter.memberId ? { members: { some: { userId: filter.memberId } } } : {}),
        },
        include,
        orderBy: { name: "asc" },
      }),
    insert: (data: Prisma.GroupUncheckedCreateInput): Promise<GroupRow> =>
      db.group.create({ data, include }).catch(refuseTaken),

    /** Changes the group and its members together. Only members of the organization can be added. */
    async update(
      group: { id: string; organizationId: string },
      data: Prisma.GroupUpdateInput,
      members: { add: readonly string[]; remove: readonly string[] },
    ): Promise<GroupRow> {
      return inTransaction(db, async (tx) => {
        await tx.groupMember.deleteMany({
          where: { groupId: group.id, userId: { in: [...members.remove] } },
        });
        const known = await tx.organizationMember.count({
          where: { organizationId: group.organizationId, userId: { in: [...members.add] } },
        });
        if (known < members.add.length) {
          const detail = "Only members of the group's organization can be added.";
          throw new FleetError("invalid_argument", detail, { validations: [{ field: "add_users", detail }] });
        }
        await tx.groupMember.createMany({
          data: members.add.map((userId) => ({ groupId: group.id, userId })),
          skipDuplicates: true,
        });
        return tx.group.update({ where: { id: group.id }, data, include });
      }).catch(refuseTaken);
    },
    async delete(id: string): Promise<void> {
      await db.group.delete({ where: { id } });
    },
  };
}
