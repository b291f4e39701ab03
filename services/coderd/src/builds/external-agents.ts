import { FleetError, isUuid } from "@fleet/base";
import { instancesOfState } from "@fleet/provisionersdk";
import type { Actor } from "../auth/actor.js";
import { authorizer } from "../auth/authorizer.js";
import { hashToken, sameHash } from "../auth/tokens.js";
import { workspaceObject } from "../auth/workspace-access.js";
import type { ExternalAgent, ExternalAgentStore } from "./external-agents-store.js";

export type AgentCredentials = {
  token: string;
  /** Starts the agent, in the shell of its operating system. */
  command: string;
};

/** Agents that users start on machines of their own (coder_external_agent). */
export type ExternalAgents = {
  /**
   * The agent's token, and the command that starts it. Whoever has the token is the agent, so this requires the right to
   * open a shell in the workspace. @throws not_found if the workspace has no such agent.
   */
  credentials(actor: Actor, workspaceId: string, agentName: string): Promise<AgentCredentials>;
};

export function createExternalAgents({
  store,
  stateOf,
  accessUrl,
}: {
  store: ExternalAgentStore;
  /** Terraform's state as of a build. */
  stateOf(workspaceId: string, buildNumber: number): Promise<Uint8Array | undefined>;
  accessUrl: string;
}): ExternalAgents {
  return {
    async credentials(actor, workspaceId, agentName) {
      const workspace = isUuid(workspaceId) ? await store.workspace(workspaceId) : null;
      const missing = new FleetError("not_found", "Workspace not found, or you do not have access to it.");
      if (!workspace) throw missing;
      const { id } = workspace;
      authorizer.require(actor, "ssh", workspaceObject(workspace), missing);

      const agents = await store.list(id);
      const agent = agents.find((one) => one.agentName.toLowerCase() === agentName.toLowerCase());
      if (!agent) {
        throw new FleetError("not_found", `The workspace has no external agent named "${agentName}".`);
      }
      if (!agent.tokenHash) {
        throw new FleetError(
          "failed_precondition",
          "This agent authenticates by its machine's identity and has no token.",
        );
      }
      const token = tokenIn((await stateOf(id, agent.buildNumber)) ?? new Uint8Array(), agent.tokenHash);
      if (!token) {
        throw new FleetError(
          "failed_precondition",
          "The workspace's state does not contain the agent's token. Start the workspace again.",
        );
      }
      return { token, command: commandOf(agent, token, accessUrl) };
    },
  };
}

/** Only the token's hash is stored with the agent. Terraform's state has the token itself. */
function tokenIn(state: Uint8Array, hash: Uint8Array): string | undefined {
  return instancesOfState(state)
    .filter(({ type }) => type === "coder_agent")
    .map(({ values }) => values.token)
    .find((token): token is string => typeof token === "string" && sameHash(hashToken(token), hash));
}

function commandOf({ operatingSystem, architecture }: ExternalAgent, token: string, accessUrl: string) {
  const url = new URL(`/api/v2/init-script/${operatingSystem}/${architecture}`, accessUrl).href;
  if (operatingSystem === "windows") {
    return `$env:CODER_AGENT_TOKEN="${token}"; iwr -useb "${url}" | iex`;
  }
  return `curl -fsSL "${url}" | CODER_AGENT_TOKEN="${token}" sh`;
}
