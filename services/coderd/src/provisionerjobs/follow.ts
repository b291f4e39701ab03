import type { Clock } from "@fleet/base";
import { jobLogsChannel } from "../pubsub/channels.js";
import { hintsOf } from "../pubsub/hints.js";
import type { Pubsub } from "../pubsub/pubsub.js";
import type { JobLog, JobStore } from "./store.js";

/** Lines per read. */
export const LOG_PAGE = 1_000;

export type FollowOptions = { store: JobStore; pubsub: Pubsub; clock: Clock };

/**
 * Streams a job's log after `after` until the job has ended. Subscribes before it reads, so that no line is missed,
 * and reads again on each message; a slow reader holds only one page in memory.
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
      // Check whether the job has ended before reading lines, so that lines stored with its end are included.
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
