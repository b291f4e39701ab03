import type { Clock } from "@fleet/base";
import type { Redis } from "ioredis";
import type { Pubsub } from "../pubsub/pubsub.js";

/** The proxy replica that holds an agent's tunnel. */
export type AgentRoute = { replicaId: string; relayAddress: string; connectedAtMs: number };

/** A route as stored in Redis; earlier releases do not write the announcement time. */
type StoredRoute = Omit<AgentRoute, "replicaId"> & { announcedAtMs?: number };

export const ROUTE_CHANGED_CHANNEL = "routes:changed";
/** Asks the holder of an agent to announce it again, because Redis has lost the route. */
export const ROUTE_WANTED_CHANNEL = "routes:wanted";

/** How long a route stays valid without a new announcement, after which its holder is considered dead. */
export const ROUTE_TTL_SECONDS = 60;
export const ANNOUNCE_INTERVAL_MS = 20_000;
/** How long a lookup waits for the holder to answer: tries, and the pause between them. */
const WANTED_TRIES = 8;
const WANTED_PAUSE_MS = 40;
/** Agents per pipeline. */
const BATCH = 1_000;

/** Routes are stored only in Redis: holders announce them periodically, so losing Redis loses nothing. */
export type Routes = {
  /** Announces the agents that a replica holds. */
  announce(
    replica: { replicaId: string; relayAddress: string },
    agents: ReadonlyMap<string, number>,
  ): Promise<void>;
  /** Removes agents that the replica no longer holds. */
  withdraw(replicaId: string, agentIds: readonly string[]): Promise<void>;
  /** Tells followers of the agent's route to look it up again. */
  changed(agentId: string): void;
  /**
   * The agent's routes, newest first. If there are none, asks the holder to announce again and waits briefly for it.
   */
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

  /** Newest first. Skips holders that have expired even if another one keeps the agent's key alive. */
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
