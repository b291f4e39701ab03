import { type Clock, errorMessage, type Logger } from "@fleet/base";
import { workspaceChannel } from "../pubsub/channels.js";
import type { Pubsub } from "../pubsub/pubsub.js";
import type { AgentMetrics } from "./metrics.js";
import { HEARTBEAT_INTERVAL_MS } from "./status.js";
import type { AgentIdentity, AgentStore } from "./store.js";

/** The agents whose control stream ends at this replica. */
export type Presence = {
  /** Marks the agent connected; `bootId` says which run of it. */
  connect(agent: AgentIdentity, bootId: string): Promise<void>;
  /** The agent lives. Beats of many agents are stored together. */
  beat(agentId: string): void;
  /** Marks the agent disconnected, unless another run of it has connected since. */
  disconnect(agent: AgentIdentity, bootId: string): Promise<void>;
  /** Stops storing beats. */
  close(): void;
};

/**
 * An agent is connected while its stream is open. Beats are gathered, and written for all agents of this replica in one
 * statement an interval: the database sees replicas, not agents.
 */
export function createPresence(options: {
  store: AgentStore;
  metrics: AgentMetrics;
  pubsub: Pubsub;
  clock: Clock;
  logger: Logger;
}): Presence {
  const { store, pubsub, clock, logger } = options;
  const beaten = new Set<string>();
  const timer = clock.every(HEARTBEAT_INTERVAL_MS, () => {
    const ids = [...beaten];
    beaten.clear();
    store.seen(ids, clock.now()).catch((error) => {
      logger.warn("could not write agent heartbeats; the next ones will be written", {
        error: errorMessage(error),
      });
    });
  });

  return {
    async connect(agent, bootId) {
      const first = await store.connected(agent.agentId, bootId, clock.now());
      if (first !== undefined) options.metrics.firstConnection(agent, first);
      pubsub.publish(workspaceChannel(agent.workspaceId), {});
    },
    beat(agentId) {
      beaten.add(agentId);
    },
    async disconnect(agent, bootId) {
      beaten.delete(agent.agentId);
      await store.disconnected(agent.agentId, bootId, clock.now());
      pubsub.publish(workspaceChannel(agent.workspaceId), {});
    },
    close() {
      timer.cancel();
    },
  };
}
