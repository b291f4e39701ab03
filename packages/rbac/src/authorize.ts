import { allowedIds } from "./allow-list.js";
import { type Action, isPermission, type Resource } from "./resources.js";
import { ORGANIZATION_ROLES, type Permissions, type Role, SITE_ROLES } from "./roles.js";
import { scopeAllows } from "./scope.js";
import type { AccessControlList, AccessObject, Subject } from "./subject.js";

/**
 * The objects of one type on which a subject may perform an action. List queries filter by this, so that they return
 * what `authorize` allows.
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
  /** Organizations in which entries of an object's ACL count, too: those of the user and of its groups. */
  readonly aclIn: readonly string[];
  readonly userId: string;
  readonly groups: readonly string[];
  /** Only these objects, whatever else holds. Undefined: no limit. */
  readonly ids: readonly string[] | undefined;
};

/** What the subject may do, within its credential's scope and allow-list. */
export function reach(subject: Subject, action: Action, type: Resource): Reach {
  const ids = allowedIds(subject.allowList, type);
  const { userId, groups } = subject;
  const nothing = { everywhere: false, organizations: [], own: false, ownIn: [], aclIn: [] };
  const allowed = isPermission(type, action) && scopeAllows(subject.scope, action, type);
  if (!allowed || !mayShare(subject, action) || ids?.length === 0) return { ...nothing, userId, groups, ids };
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
  const idsOf = (key: "all" | "own") => organizations.filter((org) => org[key]).map(({ id }) => id);
  const withAcl = ACL_TYPES.includes(type) && !(isWorkspace(type) && subject.workspaceSharing === false);
  return {
    everywhere: site.some((role) => gives(role.all)),
    organizations: idsOf("all"),
    own: site.some((role) => gives(role.own)),
    ownIn: idsOf("own"),
    aclIn: withAcl ? organizations.filter(({ denied }) => !denied).map(({ id }) => id) : [],
    userId,
    groups,
    ids,
  };
}

/** The types whose single objects can have an ACL; a group's is that its members may read it. */
const ACL_TYPES: readonly Resource[] = ["group", "template", "workspace", "workspace_dormant"];
const isWorkspace = (type: Resource) => type === "workspace" || type === "workspace_dormant";

/**
 * Whether the subject may do the action on the object: by a site role; by a role in the object's organization;
 * as the owner, while a member of that organization; or by the object's ACL, while a member likewise. The credential's
 * scope and allow-list limit all of these.
 */
export function authorize(subject: Subject, action: Action, object: AccessObject): boolean {
  const { everywhere, organizations, own, ownIn, aclIn, ids } = reach(subject, action, object.type);
  if (ids && !(object.id !== undefined && ids.includes(object.id))) return false;
  if (everywhere) return true;
  const isOwner = object.ownerId !== undefined && object.ownerId === subject.userId;
  if (object.orgId === undefined) return isOwner && own;
  return (
    organizations.includes(object.orgId) ||
    (isOwner && ownIn.includes(object.orgId)) ||
    (aclIn.includes(object.orgId) && aclAllows(object.acl, subject, action))
  );
}

function mayShare(subject: Subject, action: Action): boolean {
  return action !== "share" || subject.workspaceSharing !== false;
}

function aclAllows(acl: AccessControlList | undefined, subject: Subject, action: Action): boolean {
  if (!acl) return false;
  const holds = (entries: AccessControlList["users"], id: string) =>
    entries !== undefined && Object.hasOwn(entries, id) && entries[id]!.includes(action);
  return holds(acl.users, subject.userId) || subject.groups.some((group) => holds(acl.groups, group));
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
