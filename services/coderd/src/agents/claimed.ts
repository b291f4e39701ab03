import type { Clock } from "@fleet/base";
import { claimedChannel } from "../pubsub/channels.js";
import { hintsOf } from "../pubsub/hints.js";
import type { Pubsub } from "../pubsub/pubsub.js";
import { AgentTokenInvalid } from "./errors.js";
import type { AgentStore } from "./store.js";

/** The owner for whom an agent's workspace, a prebuild, was built. */
export type Claimed = { workspaceId: string; ownerId: string };

/** Waits for claims of prebuilds, whose agents then start again. */
export type Claims = {
  /**
   * Waits until the agent's workspace, a prebuild, was claimed and built for its owner; for ever if it is no prebuild.
   * Undefined if the signal aborts. @throws AgentTokenInvalid if the agent was replaced by anything else, or its workspace was deleted.
   */
  wait(agent: { agentId: string; workspaceId: string }, signal: AbortSignal): Promise<Claimed | undefined>;
};

/** How often a waiting agent is looked up without a message. */
const POLL_MS = 15_000;

export function createClaims({
  store,
  pubsub,
  clock,
}: {
  store: Pick<AgentStore, "claim">;
  pubsub: Pubsub;
  clock: Clock;
}): Claims {
  return {
    async wait({ agentId, workspaceId }, signal) {
      const hints = await hintsOf(pubsub, claimedChannel(workspaceId), clock, signal, POLL_MS);
      while (!signal.aborted) {
        const { isCurrent, claimedBy } = await store.claim(agentId);
        if (claimedBy) return { workspaceId, ownerId: claimedBy };
        if (!isCurrent) throw new AgentTokenInvalid();
        await hints.next();
      }
      return undefined;
    },
  };
}
