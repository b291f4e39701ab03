import { randomUUID } from "node:crypto";
import { type Clock, errorMessage, type Logger, VERSION } from "@fleet/base";
import type { Database } from "../database/client.js";

/** A replica tells that it lives this often, and is gone after three beats that are missed. */
const BEAT_MS = 5_000;
export const GONE_AFTER_MS = 3 * BEAT_MS;

export type Replicas = ReturnType<typeof createReplicas>;

/** The processes that serve this deployment: each writes a row, and beats. */
export function createReplicas(options: { db: Database; clock: Clock; logger: Logger; hostname: string }) {
  const { db, clock, logger, hostname } = options;
  const id = randomUUID();
  const startedAt = clock.now();

  async function beat(): Promise<void> {
    const beatAt = clock.now();
    const from = performance.now();
    await db.replica.upsert({
      where: { id },
      create: { id, hostname, version: VERSION, startedAt, beatAt },
      update: { beatAt },
      select: { id: true },
    });
    const databaseLatencyUs = Math.round((performance.now() - from) * 1_000);
    await db.replica.update({ where: { id }, data: { databaseLatencyUs }, select: { id: true } });
  }

  return {
    id,

    /** The replicas that live, oldest first. */
    list: () =>
      db.replica.findMany({
        where: { stoppedAt: null, beatAt: { gt: new Date(clock.now().getTime() - GONE_AFTER_MS) } },
        orderBy: { startedAt: "asc" },
      }),

    /** Beats until it is closed. */
    async start(): Promise<{ close(): Promise<void> }> {
      await beat();
      let beating = Promise.resolve();
      const timer = clock.every(BEAT_MS, () => {
        beating = beat().catch((error) =>
          logger.warn("this replica could not beat; it tries again", { error: errorMessage(error) }),
        );
      });
      return {
        async close() {
          timer.cancel();
          await beating;
          await db.replica.deleteMany({ where: { id } }).catch(() => {});
        },
      };
    },
  };
}
