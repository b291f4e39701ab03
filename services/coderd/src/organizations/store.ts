import type { Database } from "../database/client.js";
import type { Organization } from "../database/gen/client.js";

export type OrganizationRow = Organization;
export type OrganizationStore = ReturnType<typeof createOrganizationStore>;

export function createOrganizationStore(db: Database) {
  return {
    /** Makes the default organization where there is none. Replicas that start together make one. */
    async ensureDefault(): Promise<void> {
      await db.$executeRaw`
        INSERT INTO organizations (name, display_name, description, is_default)
        VALUES ('coder', 'Coder', 'Builtin default organization.', true)
        ON CONFLICT DO NOTHING`;
    },

    /** By uuid, by name, or `default`. */
    find(idOrName: string): Promise<OrganizationRow | null> {
      const where = /^[0-9a-f-]{36}$/i.test(idOrName)
        ? { id: idOrName }
        : idOrName === "default"
          ? { isDefault: true }
          : { name: { equals: idOrName, mode: "insensitive" as const } };
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

    member(organizationId: string, userId: string) {
      return db.organizationMember.findUnique({
        where: { organizationId_userId: { organizationId, userId } },
        include: { user: true },
      });
    },
  };
}
