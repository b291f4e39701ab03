import { ORGANIZATION_ROLES, OWNER_WITHOUT_WORKSPACE_ACCESS, SITE_ROLES } from "./roles.js";
import type { Subject } from "./subject.js";

/** The organization roles that an organization's user administrator hands out: none that is more than a member's. */
const BY_ORGANIZATION_USER_ADMIN: readonly string[] = [
  "organization-member",
  "organization-workspace-creation-ban",
];

/**
 * Whether the subject may give a role to a user, or take it away: a site role when no organization is named. Nobody can
 * hand out more than they hold: owners assign every role, administrators of an organization every role of it, custom ones
 * included, and its user administrators only what gives nothing.
 */
export function canAssignRole(subject: Subject, role: string, orgId?: string): boolean {
  if (subject.scope && !subject.scope.includes("all")) return false;
  const isOwner = holdsOwner(subject.roles);
  if (orgId === undefined) return isOwner && Object.hasOwn(SITE_ROLES, role);
  if (Object.hasOwn(SITE_ROLES, role)) return false;
  if (isOwner) return true;
  const held = Object.hasOwn(subject.orgRoles, orgId) ? subject.orgRoles[orgId]! : [];
  if (held.includes("organization-admin")) return true;
  return held.includes("organization-user-admin") && BY_ORGANIZATION_USER_ADMIN.includes(role);
}

/** The names of the built-in roles that the subject may assign. */
export function assignableRoles(subject: Subject, orgId?: string): string[] {
  const names = Object.keys(orgId === undefined ? SITE_ROLES : ORGANIZATION_ROLES);
  return names.filter((name) => canAssignRole(subject, name, orgId));
}

/**
 * Whether the subject may change another user's account (profile, password, status, deletion) so far as rank goes: an
 * owner's account is for owners alone, or a user administrator could become one by setting an owner's password.
 */
export function canManageUser(subject: Subject, target: Pick<Subject, "userId" | "roles">): boolean {
  return subject.userId === target.userId || holdsOwner(subject.roles) || !holdsOwner(target.roles);
}

function holdsOwner(roles: Subject["roles"]): boolean {
  return roles.some((role) => role === "owner" || role === OWNER_WITHOUT_WORKSPACE_ACCESS);
}
