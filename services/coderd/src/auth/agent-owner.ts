import { FleetError } from "@fleet/base";
import type { Actor, AgentActor } from "./actor.js";

/** The actor as an agent. Throws `unauthenticated` for any other kind of actor. */
export function requireAgent(actor: Actor): AgentActor {
  if (actor.kind === "agent") return actor;
  throw new FleetError("unauthenticated", "This route requires a workspace agent's token.");
}

/** Requires an agent that may access its owner's data: the owner is not suspended and the template allows it. */
export function agentOwner(actor: Actor): AgentActor {
  const agent = requireAgent(actor);
  if (!agent.ownerActive) {
    throw new FleetError(
      "permission_denied",
      "The workspace's owner is suspended. Ask an administrator to reactivate the account.",
    );
  }
  if (!agent.userData) {
    throw new FleetError(
      "permission_denied",
      'This agent has no access to user data: its template sets api_key_scope = "no_user_data".',
    );
  }
  return agent;
}
