import type { Clock } from "@fleet/base";
import type { Redis } from "ioredis";
import type { Pubsub } from "../pubsub/pubsub.js";

/** Which proxy replica holds an agent's tunnel. */
export type AgentRoute = { replicaId: string; relayAddress: string; connectedAtMs: number };

/** A route as Redis has it; one that an older release announced does not say when. */
type StoredRoute = Omit<AgentRoute, "replicaId"> & { announcedAtMs?: number };

export const ROUTE_CHANGED_CHANNEL = "routes:changed";
/** Asks whoever holds an agent to announce it again: Redis has lost it. */
export const ROUTE_WANTED_CHANNEL = "routes:wanted";

/** How long a route lives when nobody announces it again: its holder was killed. */
export const ROUTE_TTL_SECONDS = 60;
export const ANNOUNCE_INTERVAL_MS = 20_000;
/** How long a look-up waits for the holder to answer. */
const WANTED_TRIES = 8;
const WANTED_PAUSE_MS = 40;
/** Agents of one pipeline. */
const BATCH = 1_000;

/** Routes live in Redis only: their holders announce them again and again, so that nothing is lost with it. */
export type Routes = {
  /** Announces agents that a replica holds. */
  announce(
    replica: { replicaId: string; relayAddress: string },
    agents: ReadonlyMap<string, number>,
  ): Promise<void>;
  /** The replica does not hold these agents any longer. */
  withdraw(replicaId: string, agentIds: readonly string[]): Promise<void>;
  /** Tells those who follow the agent's route to look again. */
  changed(agentId: string): void;
  /** The agent's routes, newest first. When there are none, its holder is asked once and given a moment to answer. */
  lookup(agentId: string, signal?: AbortSignal): Promise<AgentRoute[]>;
};

export function createRoutes(options: {
  redis: Redis;
  prefix: string;
  pubsub: Pubsub;
  clock: Clock;
}): Routes {
  const { redis, pubsub, clock } = options;
  const keyOf = (agentId: string) => `${options.prefix}:route:${agentId}`;

  /** Newest first. A holder that was killed is passed over, though another one keeps the agent's entry alive. */
  async function read(agentId: string): Promise<AgentRoute[]> {
    const entries = await redis.hgetall(keyOf(agentId));
    const since = clock.now().getTime() - ROUTE_TTL_SECONDS * 1_000;
    return Object.entries(entries)
      .map(([replicaId, text]) => ({ replicaId, ...(JSON.parse(text) as StoredRoute) }))
      .filter(({ announcedAtMs = since }) => announcedAtMs >= since)
      .map(({ announcedAtMs: _, ...route }) => route)
      .sort((a, b) => b.connectedAtMs - a.connectedAtMs);
  }

  return {
    async announce(replica, agents) {
      const entries = [...agents];
      const announcedAtMs = clock.now().getTime();
      for (let i = 0; i < entries.length; i += BATCH) {
        const pipeline = redis.pipeline();
        for (const [agentId, connectedAtMs] of entries.slice(i, i + BATCH)) {
          const value = JSON.stringify({ relayAddress: replica.relayAddress, connectedAtMs, announcedAtMs });
          pipeline.hset(keyOf(agentId), replica.replicaId, value).expire(keyOf(agentId), ROUTE_TTL_SECONDS);
        }
        await pipeline.exec();
      }
    },

    async withdraw(replicaId, agentIds) {
      const pipeline = redis.pipeline();
      for (const agentId of agentIds) pipeline.hdel(keyOf(agentId), replicaId);
      await pipeline.exec();
      for (const agentId of agentIds) pubsub.publish(ROUTE_CHANGED_CHANNEL, { agentId });
    },

    changed(agentId) {
      pubsub.publish(ROUTE_CHANGED_CHANNEL, { agentId });
    },

    async lookup(agentId, signal) {
      let routes = await read(agentId);
      if (routes.length > 0) return routes;
      pubsub.publish(ROUTE_WANTED_CHANNEL, { agentId });
      for (let attempt = 0; attempt < WANTED_TRIES && routes.length === 0; attempt++) {
        await clock.sleep(WANTED_PAUSE_MS, signal);
        routes = await read(agentId);
      }
      return routes;
    },
  };
}
