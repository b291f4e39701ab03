import { allowsEverything } from "./allow-list.js";
import { authorize, organizationRole, siteRole } from "./authorize.js";
import { canDefineRole } from "./custom.js";
import { ORGANIZATION_ROLES, OWNER_WITHOUT_WORKSPACE_ACCESS, type Role, SITE_ROLES } from "./roles.js";
import { isUnlimited } from "./scope.js";
import type { Subject } from "./subject.js";

/** The organization roles that an organization's user administrator can assign: rights over one's own objects at most. */
const BY_ORGANIZATION_USER_ADMIN: readonly string[] = [
  "organization-member",
  "organization-workspace-access",
  "organization-workspace-creation-ban",
];

/**
 * Whether the subject may assign a role to a user, or remove it: a site role if no organization is named. A built-in
 * role is given by name, a custom one by its permissions. Nobody can assign more than they hold: owners assign every
 * role, administrators of an organization its built-in ones, its user administrators only those without rights, and a
 * custom role requires holding all of its permissions.
 */
export function canAssignRole(subject: Subject, role: string | Role, orgId?: string): boolean {
  if (!isUnlimited(subject.scope) || !allowsEverything(subject.allowList)) return false;
  if (typeof role !== "string") return orgId !== undefined && canAssignCustom(subject, role, orgId);
  const isOwner = holdsOwner(subject.roles);
  if (orgId === undefined) return isOwner && Object.hasOwn(SITE_ROLES, role);
  if (!Object.hasOwn(ORGANIZATION_ROLES, role)) return false;
  const held = Object.hasOwn(subject.orgRoles, orgId) ? subject.orgRoles[orgId]! : [];
  if (isOwner || held.includes("organization-admin")) return true;
  return held.includes("organization-user-admin") && BY_ORGANIZATION_USER_ADMIN.includes(role);
}

function canAssignCustom(subject: Subject, role: Role, orgId: string): boolean {
  const mayAssign = authorize(subject, "assign", { type: "assign_org_role", orgId });
  return mayAssign && canDefineRole(subject, role, orgId);
}

/** The names of the built-in roles that the subject may assign. */
export function assignableRoles(subject: Subject, orgId?: string): string[] {
  const names = Object.keys(orgId === undefined ? SITE_ROLES : ORGANIZATION_ROLES);
  return names.filter((name) => canAssignRole(subject, name, orgId));
}

/**
 * Whether the subject holds everything that these roles grant on others' objects. Otherwise, taking over an account with
 * these roles would gain it rights, and it may not remove them either. Rights over one's own objects do not count: every
 * account has some.
 */
export function holdsAll(
  subject: Subject,
  { roles, orgRoles }: Pick<Subject, "roles" | "orgRoles">,
): boolean {
  // This is about the subject's roles; its credential's scope has been checked separately.
  const whole = { ...subject, scope: undefined, allowList: undefined };
  if (holdsOwner(whole.roles)) return true;
  if (holdsOwner(roles)) return false;
  const holds = ({ all }: Role, orgId?: string) => canDefineRole(whole, { ...(all ? { all } : {}) }, orgId);
  return (
    roles.every((role) => holds(siteRole(role))) &&
    Object.entries(orgRoles).every(([orgId, names]) =>
      names.every((role) => holds(organizationRole(role), orgId)),
    )
  );
}

/**
 * Whether the subject's rank allows changing another user's account (profile, password, status, deletion): not that of
 * a user with more rights, or a user administrator could become one by setting its password.
 */
export function canManageUser(
  subject: Subject,
  target: Pick<Subject, "userId" | "roles" | "orgRoles">,
): boolean {
  return subject.userId === target.userId || holdsAll(subject, target);
}

/** Whether one of these site roles is the owner's, whatever the deployment lets owners do. */
export function holdsOwner(roles: Subject["roles"]): boolean {
  return roles.some((role) => role === "owner" || role === OWNER_WITHOUT_WORKSPACE_ACCESS);
}
