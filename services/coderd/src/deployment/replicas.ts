import { randomUUID } from "node:crypto";
import { type Clock, errorMessage, type Logger, VERSION } from "@fleet/base";
import type { Replica, ReplicaStore } from "./replicas-store.js";

/** Heartbeat interval of a replica; after three missed heartbeats it counts as gone. */
const BEAT_MS = 5_000;
export const GONE_AFTER_MS = 3 * BEAT_MS;

/** The processes serving this deployment: each has a row, kept current by heartbeats. */
export type Replicas = {
  /** This process's id. */
  readonly id: string;
  /** Live replicas, oldest first. */
  list(): Promise<Replica[]>;
  /** Sends heartbeats until closed. */
  start(): Promise<{ close(): Promise<void> }>;
};

export function createReplicas(options: {
  store: ReplicaStore;
  clock: Clock;
  logger: Logger;
  hostname: string;
}): Replicas {
  const { store, clock, logger, hostname } = options;
  const id = randomUUID();
  const startedAt = clock.now();

  async function beat(): Promise<void> {
    const beatAt = clock.now();
    const from = performance.now();
    await store.beat({ id, hostname, version: VERSION, startedAt, beatAt });
    await store.setLatency(id, Math.round((performance.now() - from) * 1_000));
  }

  return {
    id,

    list: () => store.listAlive(new Date(clock.now().getTime() - GONE_AFTER_MS)),

    async start() {
      await beat();
      let beating = Promise.resolve();
      const timer = clock.every(BEAT_MS, () => {
        beating = beat().catch((error) =>
          logger.warn("could not write this replica's heartbeat; retrying", { error: errorMessage(error) }),
        );
      });
      return {
        async close() {
          timer.cancel();
          await beating;
          await store.delete(id).catch(() => {});
        },
      };
    },
  };
}
