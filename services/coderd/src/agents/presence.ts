import { type Clock, errorMessage, type Logger } from "@fleet/base";
import { workspaceChannel } from "../pubsub/channels.js";
import type { Pubsub } from "../pubsub/pubsub.js";
import type { AgentMetrics } from "./metrics.js";
import { HEARTBEAT_INTERVAL_MS } from "./status.js";
import type { AgentIdentity, AgentStore } from "./store.js";

/** Tracks the agents whose control streams end at this replica. */
export type Presence = {
  /** Marks the agent connected. `bootId` identifies the run of the agent process. */
  connect(agent: AgentIdentity, bootId: string): Promise<void>;
  /** Records a heartbeat. Heartbeats of many agents are written together. */
  beat(agentId: string): void;
  /** Marks the agent disconnected, unless a newer run of it has connected since. */
  disconnect(agent: AgentIdentity, bootId: string): Promise<void>;
  /** Stops writing heartbeats. */
  close(): void;
};

/**
 * An agent is connected while its stream is open. Heartbeats are batched and written for all agents of this replica in
 * one statement per interval, so database load grows with replicas rather than agents.
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
