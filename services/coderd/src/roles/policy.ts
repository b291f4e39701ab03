import { type Role, storedRole } from "@fleet/rbac";
import type { RoleRow } from "./store.js";

/** What a custom role grants. */
export function toPolicy({ organizationPermissions, memberPermissions }: RoleRow): Role {
  return storedRole(organizationPermissions, memberPermissions);
}
