import { FleetError } from "@fleet/base";
import { nameOfHost, parseWorkspaceName } from "@fleet/sdk";
import type { UserActor } from "../auth/actor.js";
import { authorizer } from "../auth/authorizer.js";
import { workspaceObject } from "../auth/workspace-access.js";
import type { SshDestination, SshDestinationStore } from "./destinations-store.js";

/** The agent that a host name leads to. */
export type SshTarget = { agentId: string; workspaceId: string; hostKey: string };

/** Resolves the host names that SSH clients ask a proxy for, by the rules of `coder ssh`. */
export type SshDestinations = {
  /**
   * @throws not_found if there is no such workspace or agent, or the actor may not connect to it; invalid_argument for a
   * name that leads nowhere or to several agents; failed_precondition if the workspace is not running.
   */
  resolve(actor: UserActor, host: string): Promise<SshTarget>;
};

export function createSshDestinations({
  store,
  hostnamePrefix,
  hostnameSuffix,
}: {
  store: SshDestinationStore;
  /** Of the host names that `coder config-ssh` writes. */
  hostnamePrefix: string;
  hostnameSuffix: string;
}): SshDestinations {
  return {
    async resolve(actor, host) {
      // Client's configurations may say either.
      const bare = nameOfHost(host, hostnamePrefix, undefined);
      const name = parseWorkspaceName(nameOfHost(bare, undefined, hostnameSuffix));
      const found = await store.find(
        name.owner === "me" ? { id: actor.userId } : { username: name.owner },
        name.workspace,
      );
      const missing = new FleetError(
        "not_found",
        `Workspace ${name.workspace} not found, or you do not have access to it.`,
      );
      if (!found) throw missing;
      authorizer.require(actor, "ssh", workspaceObject(found), missing);
      return { ...agentOf(found, name.agent), workspaceId: found.id };
    },
  };
}

function agentOf(found: SshDestination, named: string | undefined): Omit<SshTarget, "workspaceId"> {
  const { name, ownerName, transition, jobRunning, agents } = found;
  if (transition !== "start") {
    throw new FleetError(
      "failed_precondition",
      `Workspace ${name} is not running. Start it in the dashboard, or with: coder start ${ownerName}/${name}`,
    );
  }
  if (agents.length === 0) {
    const reason = jobRunning ? "is starting. Try again in a moment." : "has no agents.";
    throw new FleetError("failed_precondition", `Workspace ${name} ${reason}`);
  }
  const names = agents.map((agent) => agent.name).sort();
  const roots = agents.filter(({ parentId }) => !parentId);
  if (named === undefined && roots.length !== 1) {
    throw new FleetError(
      "invalid_argument",
      `Workspace ${name} has several agents. Connect to one of them: ${names.map((agent) => `${name}.${agent}`).join(", ")}`,
    );
  }
  const agent = named === undefined ? roots[0] : agents.find((one) => one.name === named);
  if (!agent) {
    throw new FleetError(
      "not_found",
      `Workspace ${name} has no agent named ${named}. Its agents: ${names.join(", ")}`,
    );
  }
  return { agentId: agent.id, hostKey: agent.sshHostPublicKey };
}
