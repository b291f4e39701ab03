import { FleetError } from "@fleet/base";
import type { RolePermission, Subject } from "@fleet/rbac";
import { type Database, inTransaction, isUniqueViolation } from "../database/client.js";
import type { CustomRole } from "../database/gen/client.js";
import { ORG_ROLES, type StoredOrgRoles, toOrgRoles } from "./predicates.js";

export type RoleRow = Omit<CustomRole, "organizationPermissions" | "memberPermissions"> & {
  organizationPermissions: RolePermission[];
  memberPermissions: RolePermission[];
};

export type RoleDefinition = Pick<
  RoleRow,
  "name" | "displayName" | "organizationPermissions" | "memberPermissions"
>;

/** Stores the roles that organizations define. */
export type RoleStore = {
  /** By name. */
  list(organizationId: string): Promise<RoleRow[]>;
  /** Those of the organization's roles that have these names. */
  named(organizationId: string, names: readonly string[]): Promise<RoleRow[]>;
  /** @throws already_exists if the organization has a role of this name, and resource_exhausted beyond the limit. */
  insert(organizationId: string, role: RoleDefinition): Promise<RoleRow>;
  /** Undefined if it does not exist. */
  update(organizationId: string, role: RoleDefinition): Promise<RoleRow | undefined>;
  /** Deletes the role, and takes it from all who have it. False if it does not exist. */
  delete(organizationId: string, name: string): Promise<boolean>;
  /** What the user's roles grant in each of its organizations. */
  ofUser(userId: string): Promise<Subject["orgRoles"]>;
};

/** Maximum roles of one organization. */
export const ROLES_LIMIT = 500;

export function createRoleStore(db: Database): RoleStore {
  const toRow = (row: CustomRole) => row as unknown as RoleRow;

  return {
    list: async (organizationId) =>
      (await db.customRole.findMany({ where: { organizationId }, orderBy: { name: "asc" } })).map(toRow),

    named: async (organizationId, names) =>
      (await db.customRole.findMany({ where: { organizationId, name: { in: [...names] } } })).map(toRow),

    async insert(organizationId, role) {
      return inTransaction(db, async (tx) => {
        // One at a time in an organization, so that the limit holds.
        await tx.$executeRaw`SELECT 1 FROM organizations WHERE id = ${organizationId}::uuid FOR NO KEY UPDATE`;
        if ((await tx.customRole.count({ where: { organizationId } })) >= ROLES_LIMIT) {
          throw new FleetError(
            "resource_exhausted",
            `An organization can have at most ${ROLES_LIMIT} custom roles. Delete one first.`,
          );
        }
        return toRow(await tx.customRole.create({ data: { organizationId, ...role } }));
      }).catch(refuseTaken);
    },

    async update(organizationId, { name, ...role }) {
      const rows = await db.customRole.updateManyAndReturn({ where: { organizationId, name }, data: role });
      return rows[0] && toRow(rows[0]);
    },

    async delete(organizationId, name) {
      return inTransaction(db, async (tx) => {
        const { count } = await tx.customRole.deleteMany({ where: { organizationId, name } });
        await tx.$executeRaw`
          UPDATE organization_members SET roles = array_remove(roles, ${name}), updated_at = now()
          WHERE organization_id = ${organizationId}::uuid AND ${name} = ANY (roles)`;
        await tx.$executeRaw`
          UPDATE organizations SET default_member_roles = array_remove(default_member_roles, ${name})
          WHERE id = ${organizationId}::uuid AND ${name} = ANY (default_member_roles)`;
        return count > 0;
      });
    },

    async ofUser(userId) {
      const rows = await db.$queryRaw<{ orgRoles: StoredOrgRoles }[]>`
        SELECT ${ORG_ROLES} AS "orgRoles" FROM users u WHERE u.id = ${userId}::uuid`;
      return toOrgRoles(rows[0]?.orgRoles ?? {});
    },
  };
}

function refuseTaken(error: unknown): never {
  if (!isUniqueViolation(error)) throw error;
  const detail = "A role with this name already exists in the organization. Choose another name.";
  throw new FleetError("already_exists", detail, { validations: [{ field: "name", detail }] });
}
