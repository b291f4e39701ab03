import { FleetError } from "@fleet/base";
import {
  canAssignRole,
  canDefineRole,
  customRole,
  ORGANIZATION_ROLES,
  type Role,
  SITE_ROLES,
} from "@fleet/rbac";
import type { Actor } from "../auth/actor.js";
import { authorizer, requireUser } from "../auth/authorizer.js";
import { toPolicy } from "../roles/policy.js";
import type { RoleDefinition, RoleRow, RoleStore } from "../roles/store.js";
import { nameViolation } from "../users/service.js";
import type { Organizations } from "./service.js";

/** Roles that organizations define. */
export type CustomRoles = {
  /** By name, each with whether the actor may assign it. */
  list(actor: Actor, organization: string): Promise<{ row: RoleRow; assignable: boolean }[]>;
  /**
   * Defines a role. @throws permission_denied if it grants what the actor does not have, invalid_argument for an unknown
   * permission or a reserved name, already_exists.
   */
  create(actor: Actor, organization: string, role: RoleDefinition): Promise<RoleRow>;
  /** Changes a role, for all who have it. The actor must have everything that it grants, before and after. */
  update(actor: Actor, organization: string, role: RoleDefinition): Promise<RoleRow>;
  /** Deletes a role, and takes it from all who have it. */
  delete(actor: Actor, organization: string, name: string): Promise<void>;
};

export class RoleNotFound extends FleetError {
  constructor() {
    super("not_found", "Role not found, or you do not have access to it.");
  }
}

export function createCustomRoles(options: {
  store: RoleStore;
  organizations: Pick<Organizations, "require">;
}): CustomRoles {
  const { store } = options;

  async function requireMay(actor: Actor, action: "create" | "update" | "delete", organization: string) {
    const { id } = await options.organizations.require(actor, "read", organization);
    authorizer.require(actor, action, { type: "assign_org_role", orgId: id }, new RoleNotFound());
    return id;
  }

  /** Nobody defines or removes what they do not have themselves. */
  function requireHolds(actor: Actor, role: Role, organizationId: string): void {
    if (canDefineRole(requireUser(actor).subject, role, organizationId)) return;
    throw new FleetError(
      "permission_denied",
      "The role grants permissions that you do not have in this organization.",
    );
  }

  async function existing(organizationId: string, name: string): Promise<RoleRow> {
    requireOwnName(name);
    const [row] = await store.named(organizationId, [name]);
    if (!row) throw new RoleNotFound();
    return row;
  }

  return {
    async list(actor, organization) {
      const { id } = await options.organizations.require(actor, "read", organization);
      const { subject } = requireUser(actor);
      const rows = await store.list(id);
      return rows.map((row) => ({ row, assignable: canAssignRole(subject, toPolicy(row), id) }));
    },

    async create(actor, organization, role) {
      const id = await requireMay(actor, "create", organization);
      const violation = nameViolation(role.name, "name");
      if (violation) throw new FleetError("invalid_argument", violation.detail, { validations: [violation] });
      requireOwnName(role.name);
      requireHolds(actor, customRole(role.organizationPermissions, role.memberPermissions), id);
      return store.insert(id, role);
    },

    async update(actor, organization, role) {
      const id = await requireMay(actor, "update", organization);
      requireHolds(actor, toPolicy(await existing(id, role.name)), id);
      requireHolds(actor, customRole(role.organizationPermissions, role.memberPermissions), id);
      const updated = await store.update(id, role);
      if (!updated) throw new RoleNotFound();
      return updated;
    },

    async delete(actor, organization, name) {
      const id = await requireMay(actor, "delete", organization);
      requireHolds(actor, toPolicy(await existing(id, name)), id);
      if (!(await store.delete(id, name))) throw new RoleNotFound();
    },
  };
}

function requireOwnName(name: string): void {
  const same = (builtIn: string) => builtIn === name.toLowerCase();
  if (![...Object.keys(SITE_ROLES), ...Object.keys(ORGANIZATION_ROLES)].some(same)) return;
  const detail = `"${name}" is a built-in role, which cannot be changed. Choose another name.`;
  throw new FleetError("invalid_argument", detail, { validations: [{ field: "name", detail }] });
}
