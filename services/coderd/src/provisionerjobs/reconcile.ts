import { type Clock, errorMessage, type Logger } from "@fleet/base";
import type { JobQueue, PendingJob } from "./queue.js";
import { queueJobId } from "./queue.js";
import type { JobStore } from "./store.js";

/** A job committed within this time may still be on its way into the queue. */
const GRACE_MS = 1_000;

export type ReconcilerOptions = { store: JobStore; queue: JobQueue; clock: Clock; logger: Logger };

/**
 * Adds each pending job that is missing from the queue: after a crash between commit and enqueue, a flush of Redis, or
 * the death of a daemon that had taken an id. Safe to run anywhere at any time.
 *
 * @returns the number of jobs added.
 */
export async function reconcileQueue({ store, queue, clock, logger }: ReconcilerOptions): Promise<number> {
  const pending = await store.pending(new Date(clock.now().getTime() - GRACE_MS));
  let added = 0;
  for (const [name, jobs] of Map.groupBy(pending, (job) => job.queue)) {
    const held = await queue.held(name);
    const missing: PendingJob[] = [];
    for (const job of jobs) {
      const id = queueJobId(job);
      if (held.waiting.has(id)) continue;
      if (held.taken.has(id) && !(await queue.release(job))) continue;
      missing.push(job);
    }
    if (missing.length === 0) continue;
    await queue.addAll(missing);
    added += missing.length;
    logger.info("requeued pending jobs", { queue: name, jobs: missing.length });
  }
  return added;
}

/** Runs the reconciler immediately, whenever Redis becomes available, and every `intervalMs`; never concurrently. */
export function keepQueueReconciled(
  options: ReconcilerOptions & {
    intervalMs: number;
    /** Whether this replica may run now, so that only one replica does. */
    mayRun(): Promise<boolean>;
  },
): { close(): Promise<void> } {
  const { queue, clock, logger, intervalMs, mayRun } = options;
  let running: Promise<void> | undefined;
  let closed = false;

  function run(always: boolean): void {
    if (closed || running !== undefined) return;
    running = (async () => {
      try {
        if (always || (await mayRun())) await reconcileQueue(options);
      } catch (error) {
        logger.debug("could not compare the job queue with the database", { error: errorMessage(error) });
      } finally {
        running = undefined;
      }
    })();
  }

  queue.onReady(() => run(true));
  const timer = clock.every(intervalMs, () => run(false));
  return {
    async close() {
      closed = true;
      timer.cancel();
      await running;
    },
  };
}
