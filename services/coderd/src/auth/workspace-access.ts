import type { AccessObject, Action } from "@fleet/rbac";
import { type StoredAcl, toAcl } from "./acl.js";

/** Roles of those whom a workspace is shared with. */
export type WorkspaceRole = "use" | "admin";

/** Roles by user or group id. */
export type WorkspaceAcl = StoredAcl<WorkspaceRole>;

/** Nobody can delete a workspace that is shared with them: they could not create it again. */
export const WORKSPACE_ACTIONS: Record<WorkspaceRole, readonly Action[]> = {
  use: ["read", "start", "stop", "ssh", "application_connect"],
  admin: [
    "read",
    "update",
    "start",
    "stop",
    "ssh",
    "application_connect",
    "share",
    "create_agent",
    "delete_agent",
  ],
};

/** What access to a workspace depends on. */
export type WorkspaceAccess = {
  id: string;
  ownerId: string;
  organizationId: string;
  userAcl: unknown;
  groupAcl: unknown;
};

/** The workspace as a policy object. */
export function workspaceObject(workspace: WorkspaceAccess): AccessObject {
  return {
    type: "workspace",
    id: workspace.id,
    ownerId: workspace.ownerId,
    orgId: workspace.organizationId,
    acl: toAcl(workspace, WORKSPACE_ACTIONS),
  };
}
