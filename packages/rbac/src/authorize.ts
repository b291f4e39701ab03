import { type Action, isPermission, type Resource } from "./resources.js";
import { ORGANIZATION_ROLES, type Permissions, type Role, SITE_ROLES } from "./roles.js";
import { scopeAllows } from "./scope.js";
import type { AccessControlList, AccessObject, Subject } from "./subject.js";

/**
 * The objects of one type on which a subject's roles allow an action, not counting the ACLs of single objects.
 * List queries filter by this, so that they return what `authorize` allows.
 */
export type Reach = {
  /** Every object of the deployment. */
  readonly everywhere: boolean;
  /** Every object in these organizations. */
  readonly organizations: readonly string[];
  /** Objects that the user owns, outside organizations. */
  readonly own: boolean;
  /** Objects that the user owns in these organizations. */
  readonly ownIn: readonly string[];
  /** Organizations in which a role denies the action, overriding ACLs too. */
  readonly denied: readonly string[];
};

const NOTHING: Reach = { everywhere: false, organizations: [], own: false, ownIn: [], denied: [] };

/** What the subject's roles allow, within its credential's scope but ignoring its allow-list. */
export function reach(subject: Subject, action: Action, type: Resource): Reach {
  if (!isPermission(type, action) || !scopeAllows(subject.scope, action, type)) return NOTHING;
  const gives = (permissions: Permissions | undefined) => includes(permissions, action, type);
  const site = ["member", ...subject.roles].map(siteRole);
  const organizations = Object.entries(subject.orgRoles).map(([id, names]) => {
    const roles = ["organization-member", ...names].map(organizationRole);
    const denied = roles.some((role) => gives(role.deny));
    return {
      id,
      denied,
      all: !denied && roles.some((role) => gives(role.all)),
      own: !denied && roles.some((role) => gives(role.own)),
    };
  });
  const idsOf = (key: "denied" | "all" | "own") =>
    organizations.filter((org) => org[key]).map(({ id }) => id);
  return {
    everywhere: site.some((role) => gives(role.all)),
    organizations: idsOf("all"),
    own: site.some((role) => gives(role.own)),
    ownIn: idsOf("own"),
    denied: idsOf("denied"),
  };
}

/**
 * Whether the subject may do the action on the object: by a site role; by a role in the object's organization;
 * as the owner, while a member of that organization; or by the object's ACL. The credential's scope and allow-list
 * limit all of these.
 */
export function authorize(subject: Subject, action: Action, object: AccessObject): boolean {
  if (!isPermission(object.type, action) || !scopeAllows(subject.scope, action, object.type)) return false;
  if (!allowListAllows(subject, object)) return false;
  const { everywhere, organizations, own, ownIn, denied } = reach(subject, action, object.type);
  if (everywhere) return true;
  const isOwner = object.ownerId !== undefined && object.ownerId === subject.userId;
  if (object.orgId === undefined) return (isOwner && own) || aclAllows(object.acl, subject, action);
  if (denied.includes(object.orgId)) return false;
  return (
    organizations.includes(object.orgId) ||
    (isOwner && ownIn.includes(object.orgId)) ||
    aclAllows(object.acl, subject, action)
  );
}

function aclAllows(acl: AccessControlList | undefined, subject: Subject, action: Action): boolean {
  if (!acl) return false;
  const holds = (entries: AccessControlList["users"], id: string) =>
    entries !== undefined && Object.hasOwn(entries, id) && entries[id]!.includes(action);
  return holds(acl.users, subject.userId) || subject.groups.some((group) => holds(acl.groups, group));
}

function allowListAllows({ allowList }: Subject, { type, id }: AccessObject): boolean {
  return allowList === undefined || allowList.some((entry) => entry.type === type && entry.id === id);
}

function includes(permissions: Permissions | undefined, action: Action, type: Resource): boolean {
  const actions = permissions?.[type];
  return actions === "*" || (actions?.includes(action) ?? false);
}

/** What a site role grants; unknown roles grant nothing. */
export function siteRole(role: string | Role): Role {
  return typeof role === "string" ? named(SITE_ROLES, role) : role;
}

/** What an organization role grants; unknown roles grant nothing. */
export function organizationRole(role: string | Role): Role {
  return typeof role === "string" ? named(ORGANIZATION_ROLES, role) : role;
}

function named(roles: Readonly<Record<string, Role>>, name: string): Role {
  return Object.hasOwn(roles, name) ? roles[name]! : {};
}
