import type { Permission } from "@fleet/rbac";

export type { Action, Permission, Resource } from "@fleet/rbac";

/**
 * Who may call a route.
 * - `public`: anyone.
 * - `session`: any signed-in user; the response contains what that user may read.
 * - `agent`: a workspace agent, with its token, about itself.
 * - `proxy`: a workspace proxy, with its token, about itself.
 * - `scim`: an identity provider, with the deployment's SCIM token.
 * - `provisioner`: a provisioner daemon, with a key or a user's session.
 * - a permission: a signed-in user who may do the action on the object that the path names. If the user may not
 * even read the object, the response is 404.
 * - several permissions: any of them is enough, or the request determines which one is required.
 *
 * coderd does not send a response of its own handlers that did not check what is declared here.
 */
export type Access =
  | "public"
  | "session"
  | "agent"
  | "proxy"
  | "scim"
  | "provisioner"
  | Permission
  | readonly Permission[];

/** The permissions of an access declaration. */
export function permissionsOf(access: Access): readonly Permission[] {
  if (typeof access === "string") return [];
  return "resource" in access ? [access] : access;
}
