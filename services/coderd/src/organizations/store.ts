import { FleetError, isUuid } from "@fleet/base";
import { type Database, inTransaction, isUniqueViolation } from "../database/client.js";
import type { Organization, Prisma } from "../database/gen/client.js";
import { sameText } from "../database/text.js";

export type OrganizationRow = Organization;
/** The name of the group that all members of an organization are in; its id is the organization's. */
const EVERYONE = "Everyone";

export type OrganizationStore = ReturnType<typeof createOrganizationStore>;

export function createOrganizationStore(db: Database) {
  return {
    /** Makes the default organization where there is none. Replicas that start together make one. */
    async ensureDefault(): Promise<void> {
      await db.$executeRaw`
        INSERT INTO organizations (name, display_name, description, is_default)
        VALUES ('coder', 'Coder', 'Builtin default organization.', true)
        ON CONFLICT DO NOTHING`;
      await db.$executeRaw`
        INSERT INTO groups (id, organization_id, name) SELECT id, id, ${EVERYONE} FROM organizations
        ON CONFLICT DO NOTHING`;
    },

    /** By uuid, by name, or `default`. */
    find(idOrName: string): Promise<OrganizationRow | null> {
      const where = isUuid(idOrName)
        ? { id: idOrName }
        : idOrName === "default"
          ? { isDefault: true }
          : { name: sameText(idOrName) };
      return db.organization.findFirst({ where: { deleted: false, ...where } });
    },

    list: () => db.organization.findMany({ where: { deleted: false }, orderBy: { createdAt: "asc" } }),

    members(organizationId: string) {
      return db.organizationMember.findMany({
        where: { organizationId, user: { deleted: false, isSystem: false } },
        include: { user: true },
        orderBy: { user: { username: "asc" } },
      });
    },

    /** Makes the organization, with the group of all its members. */
    insert: (data: Prisma.OrganizationCreateInput) =>
      inTransaction(db, async (tx) => {
        const row = await tx.organization.create({ data });
        await tx.group.create({ data: { id: row.id, organizationId: row.id, name: EVERYONE } });
        return row;
      }).catch(refuseTaken),
    update: (id: string, data: Prisma.OrganizationUpdateInput) =>
      db.organization.update({ where: { id }, data }).catch(refuseTaken),
    async countContents(organizationId: string): Promise<number> {
      const where = { organizationId, deleted: false };
      const [workspaces, templates] = await Promise.all([
        db.workspace.count({ where }),
        db.template.count({ where }),
      ]);
      return workspaces + templates;
    },

    addMember: (organizationId: string, userId: string) =>
      db.organizationMember.upsert({
        where: { organizationId_userId: { organizationId, userId } },
        create: { organizationId, userId },
        update: {},
        include: { user: true },
      }),
    /** With the membership goes what it brought: the groups of the organization, and roles of its templates. */
    async removeMember(organizationId: string, userId: string): Promise<void> {
      await inTransaction(db, async (tx) => {
        await tx.organizationMember.deleteMany({ where: { organizationId, userId } });
        await tx.groupMember.deleteMany({ where: { userId, group: { organizationId } } });
        await tx.$executeRaw`
          UPDATE templates SET user_acl = user_acl - ${userId}::text
          WHERE organization_id = ${organizationId}::uuid AND jsonb_exists(user_acl, ${userId})`;
      });
    },
    setRoles: (organizationId: string, userId: string, roles: string[]) =>
      db.organizationMember.update({
        where: { organizationId_userId: { organizationId, userId } },
        data: { roles },
        include: { user: true },
      }),

    member(organizationId: string, userId: string) {
      return db.organizationMember.findUnique({
        where: { organizationId_userId: { organizationId, userId } },
        include: { user: true },
      });
    },
  };
}

function refuseTaken(error: unknown): never {
  if (!isUniqueViolation(error)) throw error;
  const detail = "An organization of this name is there already. Choose another name.";
  throw new FleetError("already_exists", detail, { validations: [{ field: "name", detail }] });
}
