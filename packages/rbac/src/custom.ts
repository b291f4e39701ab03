import { FleetError } from "@fleet/base";
import { authorize } from "./authorize.js";
import { type Action, isPermission, RESOURCE_ACTIONS, type Resource } from "./resources.js";
import type { Permissions, Role } from "./roles.js";
import type { Subject } from "./subject.js";

/** One permission of a custom role, as in the API; the action `*` is every action of the resource. */
export type RolePermission = {
  readonly resource_type: string;
  readonly action: string;
  readonly negate: boolean;
};

/**
 * The role made of an organization's permissions (on all objects in it) and user permissions (on the holder's own). A
 * negated organization permission is a denial. Throws `invalid_argument` for an unknown permission, and for a
 * negated user permission.
 */
export function customRole(
  organization: readonly RolePermission[],
  user: readonly RolePermission[] = [],
): Role {
  const negated = user.find(({ negate }) => negate);
  if (negated) throw invalid(negated, "Negated permissions are only allowed at organization level.");
  return {
    all: table(organization.filter(({ negate }) => !negate)),
    own: table(user),
    deny: table(organization.filter(({ negate }) => negate)),
  };
}

/**
 * Whether the subject holds everything the role grants: in the organization, or in the deployment if none is named.
 * Otherwise it may not define such a role, or it could grant itself more through a role it created.
 */
export function canDefineRole(subject: Subject, role: Role, orgId?: string): boolean {
  const holds = (permissions: Permissions | undefined, ownerId?: string) =>
    list(permissions).every(([type, action]) => authorize(subject, action, { type, orgId, ownerId }));
  return holds(role.all) && holds(role.own, subject.userId);
}

function table(permissions: readonly RolePermission[]): Permissions {
  const actions: { [R in Resource]?: Action[] } = {};
  for (const permission of permissions) {
    const { resource_type, action } = permission;
    const wanted = action === "*" ? RESOURCE_ACTIONS[resource_type as Resource]?.[0] : action;
    if (!wanted || !isPermission(resource_type, wanted))
      throw invalid(permission, "The permission does not exist.");
    const added = action === "*" ? RESOURCE_ACTIONS[resource_type] : [action as Action];
    actions[resource_type] = [...(actions[resource_type] ?? []), ...added];
  }
  return actions;
}

function list(permissions: Permissions | undefined): [Resource, Action][] {
  return Object.entries(permissions ?? {}).flatMap(([type, actions]) => {
    const all = actions === "*" ? RESOURCE_ACTIONS[type as Resource] : actions;
    return all.map((action): [Resource, Action] => [type as Resource, action]);
  });
}

function invalid({ resource_type, action }: RolePermission, detail: string): FleetError {
  return new FleetError(
    "invalid_argument",
    `The permission ${resource_type}:${action} cannot be used. ${detail}`,
  );
}
