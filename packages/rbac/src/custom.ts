import { FleetError } from "@fleet/base";
import { authorize } from "./authorize.js";
import { type Action, isPermission, RESOURCE_ACTIONS, type Resource } from "./resources.js";
import { ORGANIZATION_ROLES, type Permissions, type Role } from "./roles.js";
import type { Subject } from "./subject.js";

/** One permission of a custom role, as in the API; the action `*` is every action of the resource. */
export type RolePermission = {
  readonly resource_type: string;
  readonly action: string;
  readonly negate: boolean;
};

/** The resources that belong to an organization: a role in it grants nothing on any other. */
const ORGANIZATION_RESOURCES: ReadonlySet<string> = new Set(
  Object.values<Role>(ORGANIZATION_ROLES).flatMap(({ all, own }) => [
    ...Object.keys(all ?? {}),
    ...Object.keys(own ?? {}),
  ]),
);

/**
 * The role made of an organization's permissions (on all objects in it) and member permissions (on the holder's own). A
 * negated organization permission is a denial. Throws `invalid_argument` for an unknown permission, for one of a
 * resource outside organizations, and for a negated member permission.
 */
export function customRole(
  organization: readonly RolePermission[],
  member: readonly RolePermission[] = [],
): Role {
  const negated = member.find(({ negate }) => negate);
  if (negated) throw invalid(negated, "Negated permissions are only allowed at organization level.");
  const outside = [...organization, ...member].find(
    ({ resource_type, action }) =>
      isKnown({ resource_type, action }) && !ORGANIZATION_RESOURCES.has(resource_type),
  );
  if (outside) throw invalid(outside, "The resource does not belong to organizations.");
  return {
    all: table(organization.filter(({ negate }) => !negate)),
    own: table(member),
    deny: table(organization.filter(({ negate }) => negate)),
  };
}

/** A role from its stored permissions. Those that this release does not know, which another one stored, grant nothing. */
export function storedRole(organization: readonly RolePermission[], member: readonly RolePermission[]): Role {
  return customRole(
    organization.filter(isUsable),
    member.filter((permission) => isUsable(permission) && !permission.negate),
  );
}

function isUsable(permission: RolePermission): boolean {
  return isKnown(permission) && ORGANIZATION_RESOURCES.has(permission.resource_type);
}

function isKnown({ resource_type, action }: Pick<RolePermission, "resource_type" | "action">): boolean {
  return action === "*"
    ? Object.hasOwn(RESOURCE_ACTIONS, resource_type)
    : isPermission(resource_type, action);
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
    if (!isKnown(permission)) throw invalid(permission, "The permission does not exist.");
    const type = permission.resource_type as Resource;
    const added = permission.action === "*" ? RESOURCE_ACTIONS[type] : [permission.action as Action];
    actions[type] = [...new Set([...(actions[type] ?? []), ...added])];
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
