import type { Redis } from "ioredis";

/** A socket in the workspace that waits for connections. */
export type ListeningPort = { port: number; network: string; processName: string };

/** A report is good until the one after the next should have come. */
const TTL_SECONDS = 90;
const PORT_LIMIT = 256;
const NAME_LIMIT = 64;

/**
 * What listens in each workspace, as its agent told last: in Redis alone, for it is only worth something while fresh.
 */
export type AgentPorts = {
  /** Keeps what listens in the workspace, in place of what was told before. */
  report(agentId: string, ports: readonly ListeningPort[]): Promise<void>;
  /** None while Redis is away. */
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
