import type { AccessControlList, Action } from "@fleet/rbac";

/** Access lists as stored: roles by user or group id. */
export type StoredAcl<Role extends string> = Record<string, Role[]>;

/** A change to a stored list: roles to grant by id, and ids to remove. */
export type AclChange = { given: Record<string, string[]>; removed: readonly string[] };

/** Maximum entries of one list. Requests have limits of their own, but may repeat. */
export const ACL_LIMIT = 1_000;

/** The policy's form of two stored lists: what each entry's roles allow. */
export function toAcl<Role extends string>(
  lists: { userAcl: unknown; groupAcl: unknown },
  actions: Record<Role, readonly Action[]>,
): AccessControlList {
  const of = (stored: unknown) =>
    Object.fromEntries(
      Object.entries((stored ?? {}) as StoredAcl<Role>).map(([id, roles]) => [
        id,
        roles.flatMap((role) => actions[role] ?? []),
      ]),
    );
  return { users: of(lists.userAcl), groups: of(lists.groupAcl) };
}

/** The roles that allow an action. */
export function rolesAllowing<Role extends string>(
  action: Action,
  actions: Record<Role, readonly Action[]>,
): Role[] {
  return (Object.keys(actions) as Role[]).filter((role) => actions[role].includes(action));
}
