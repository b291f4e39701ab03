import { FleetError } from "@fleet/base";
import type { Client, WorkspaceAgent } from "@fleet/sdk";
import { chooseAgent } from "../../workspace/find.js";

export type AgentFollower = {
  /** Calls back with the agent's id, and once more where the workspace has another agent of that name since. */
  reach<T>(open: (agent: string) => Promise<T>): Promise<T>;
};

/**
 * The agent of that name of a workspace, whose id is another one after each start. Whether it still is the same is asked
 * when it cannot be reached; several that ask at the same time share the answer.
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
