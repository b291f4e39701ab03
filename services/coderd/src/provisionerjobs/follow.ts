import type { Clock } from "@fleet/base";
import { jobLogsChannel } from "../pubsub/channels.js";
import { hintsOf } from "../pubsub/hints.js";
import type { Pubsub } from "../pubsub/pubsub.js";
import type { JobLog, JobStore } from "./store.js";

/** Lines of one read. */
export const LOG_PAGE = 1_000;

export type FollowOptions = { store: JobStore; pubsub: Pubsub; clock: Clock };

/**
 * The lines of a job's log after `after`, as they come, until the job has ended. It listens first and reads then, so no
 * line falls between, and reads again at each hint; a slow reader holds nothing in memory but one page.
 */
export async function* followLog(
  { store, pubsub, clock }: FollowOptions,
  jobId: string,
  after: number,
  signal: AbortSignal,
): AsyncGenerator<JobLog> {
  const controller = new AbortController();
  const stop = AbortSignal.any([signal, controller.signal]);
  const hints = await hintsOf(pubsub, jobLogsChannel(jobId), clock, stop);
  let last = BigInt(after);
  try {
    while (!stop.aborted) {
      // Read whether it has ended before its last lines: what is stored with the end is seen.
      const job = await store.worker(jobId);
      const lines = await store.logs(jobId, { after: Number(last) }, LOG_PAGE);
      for (const line of lines) {
        last = line.id;
        yield line;
      }
      if (lines.length === LOG_PAGE) continue;
      if (!job || job.completedAt) return;
      await hints.next();
    }
  } finally {
    controller.abort();
  }
}
