import { isAppPort } from "@fleet/app-url";
import { FleetError, isUuid } from "@fleet/base";
import type { Actor } from "../auth/actor.js";
import { authorizer } from "../auth/authorizer.js";
import { isWider, type ShareLevel } from "../auth/share-level.js";
import { workspaceObject } from "../auth/workspace-access.js";
import type { PortShareRow, PortShareStore } from "./store.js";

/** Shared ports of workspaces. */
export type PortShares = {
  /** @throws not_found if the actor may not read the workspace. */
  list(actor: Actor, workspaceId: string): Promise<PortShareRow[]>;
  /** Shares a port or updates the share, at most at the template's maximum level. */
  upsert(
    actor: Actor,
    workspaceId: string,
    share: { agentName: string; port: number; shareLevel: ShareLevel; protocol: "http" | "https" },
  ): Promise<PortShareRow>;
  /** @throws not_found if the port is not shared. */
  delete(actor: Actor, workspaceId: string, share: { agentName: string; port: number }): Promise<void>;
};

export function createPortShares({ store }: { store: PortShareStore }): PortShares {
  async function require(actor: Actor, action: "read" | "update", workspaceId: string) {
    const missing = new FleetError("not_found", "Workspace not found, or you do not have access to it.");
    const workspace = isUuid(workspaceId) ? await store.workspace(workspaceId) : undefined;
    if (!workspace) throw missing;
    authorizer.require(actor, action, workspaceObject(workspace), missing);
    return workspace;
  }

  return {
    async list(actor, workspaceId) {
      return store.list((await require(actor, "read", workspaceId)).id);
    },

    async upsert(actor, workspaceId, share) {
      const workspace = await require(actor, "update", workspaceId);
      if (!isAppPort(share.port)) throw refuse("port", "The port must be between 9 and 65535.");
      if (!workspace.agentNames.includes(share.agentName)) {
        throw refuse("agent_name", `The workspace has no agent named "${share.agentName}".`);
      }
      if (isWider(share.shareLevel, workspace.maxShareLevel)) {
        throw refuse("share_level", `The template's maximum sharing level is "${workspace.maxShareLevel}".`);
      }
      return store.upsert({ workspaceId: workspace.id, ...share });
    },

    async delete(actor, workspaceId, share) {
      const workspace = await require(actor, "update", workspaceId);
      if (!(await store.delete(workspace.id, share.agentName, share.port))) {
        throw new FleetError("not_found", "This port is not shared.");
      }
    },
  };
}

function refuse(field: string, detail: string): FleetError {
  return new FleetError("invalid_argument", detail, { validations: [{ field, detail }] });
}
