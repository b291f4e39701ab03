import { FleetError } from "@fleet/base";
import type { Client, WorkspaceAgent } from "@fleet/sdk";
import { chooseAgent } from "../../workspace/find.js";

export type AgentFollower = {
  /** Calls `open` with the agent's ID, and once more if the workspace now has another agent of that name. */
  reach<T>(open: (agent: string) => Promise<T>): Promise<T>;
};

/**
 * A workspace's agent by name, whose ID changes with each start. Checks for a new ID if the agent cannot be reached;
 * concurrent checks share the result.
 */
export function followAgent(client: Client, workspaceId: string, first: WorkspaceAgent): AgentFollower {
  let id = first.id;
  let asking: Promise<string> | undefined;

  function current(): Promise<string> {
    asking ??= client
      .workspaceGet({ params: { workspace: workspaceId } })
      .then((workspace) => {
        const { transition, status } = workspace.latest_build;
        if (transition !== "start") {
          throw new FleetError("failed_precondition", `The workspace ${workspace.name} is ${status}.`);
        }
        return chooseAgent(workspace, first.name).id;
      })
      .finally(() => {
        asking = undefined;
      });
    return asking;
  }

  return {
    async reach(open) {
      try {
        return await open(id);
      } catch (error) {
        const now = await current();
        if (now === id) throw error;
        id = now;
        return open(id);
      }
    },
  };
}
