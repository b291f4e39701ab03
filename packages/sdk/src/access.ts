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
 */
export type Access = "public" | "session" | "agent" | "proxy" | Permission;
