import type { Redis } from "ioredis";

/** A listening socket in the workspace. */
export type ListeningPort = { port: number; network: string; processName: string };

/** How long a report is kept: until the second next one is due. */
const TTL_SECONDS = 90;
const PORT_LIMIT = 256;
const NAME_LIMIT = 64;

/**
 * Listening ports of each workspace, as last reported by its agent. Stored only in Redis, since they are useful only
 * while fresh.
 */
export type AgentPorts = {
  /** Replaces the workspace's previously reported ports. */
  report(agentId: string, ports: readonly ListeningPort[]): Promise<void>;
  /** Empty if Redis is unavailable. */
  read(agentId: string): Promise<ListeningPort[]>;
};

export function createAgentPorts({ redis, prefix }: { redis: Redis; prefix: string }): AgentPorts {
  const keyOf = (agentId: string) => `${prefix}:ports:${agentId}`;
  return {
    async report(agentId, ports) {
      const kept = ports.slice(0, PORT_LIMIT).map(({ port, network, processName }) => ({
        port,
        network,
        processName: processName.slice(0, NAME_LIMIT),
      }));
      await redis.set(keyOf(agentId), JSON.stringify(kept), "EX", TTL_SECONDS);
    },

    async read(agentId) {
      const known = await redis.get(keyOf(agentId)).catch(() => null);
      return JSON.parse(known ?? "[]") as ListeningPort[];
    },
  };
}
