import { ORGANIZATION_ROLES, type Role, type RolePermission, type Subject, storedRole } from "@fleet/rbac";
import { Prisma } from "../database/gen/client.js";

/** A user's roles by organization, as `ORG_ROLES` selects them. */
export type StoredOrgRoles = Record<
  string,
  { names: string[]; custom: { name: string; all: RolePermission[]; own: RolePermission[] }[] }
>;

/**
 * Selects the roles that user `u` has in each of its organizations: those of the membership and those that every member
 * has, with the permissions of the custom ones.
 */
export const ORG_ROLES = Prisma.sql`
  coalesce((
    SELECT jsonb_object_agg(m.organization_id, jsonb_build_object(
      'names', to_jsonb(m.roles || o.default_member_roles),
      'custom', coalesce((
        SELECT jsonb_agg(jsonb_build_object('name', r.name, 'all', r.org_permissions, 'own', r.member_permissions))
        FROM custom_roles r
        WHERE r.organization_id = m.organization_id AND r.name = ANY (m.roles || o.default_member_roles)), '[]')))
    FROM organization_members m JOIN organizations o ON o.id = m.organization_id AND NOT o.deleted
    WHERE m.user_id = u.id), '{}')`;

/** The policy's form: custom roles by their permissions. A name of no role stays, and grants nothing. */
export function toOrgRoles(stored: StoredOrgRoles): Subject["orgRoles"] {
  return Object.fromEntries(
    Object.entries(stored).map(([id, { names, custom }]) => {
      const defined = new Map(custom.map(({ name, all, own }) => [name, storedRole(all, own)]));
      const roleOf = (name: string): string | Role =>
        Object.hasOwn(ORGANIZATION_ROLES, name) ? name : (defined.get(name) ?? name);
      return [id, [...new Set(names)].map(roleOf)];
    }),
  );
}
