import type { Permission } from "@fleet/rbac";

export type { Action, Permission, Resource } from "@fleet/rbac";

/**
 * Who may call a route.
 * - `public`: anyone.
 * - `session`: any signed-in user; what the answer holds depends on what that user may read.
 * - `agent`: a workspace agent, by its token, about itself.
 * - `proxy`: a workspace proxy, by its token, about itself.
 * - a permission: a signed-in user who may do the action to the object that the path names. Where the object may not
 *   even be read, the answer is 404.
 * - several permissions: any of them will do, or which one it takes depends on the request.
 *
 * coderd refuses to give an answer of its own handlers that did not ask for what stands here.
 */
export type Access = "public" | "session" | "agent" | "proxy" | Permission | readonly Permission[];

/** The permissions that an access names. */
export function permissionsOf(access: Access): readonly Permission[] {
  if (typeof access === "string") return [];
  return "resource" in access ? [access] : access;
}
