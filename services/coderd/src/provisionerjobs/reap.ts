import type { Clock, Logger } from "@fleet/base";
import { jobChannel, jobLogsChannel } from "../pubsub/channels.js";
import type { Pubsub } from "../pubsub/pubsub.js";
import type { JobKinds } from "./assignments.js";
import type { JobQueue } from "./queue.js";
import type { LostJob } from "./return-store.js";
import type { EndedJob, JobStore } from "./store.js";

/** A job fails after being pending this long without a daemon that can take it. */
export const PENDING_LIMIT_MS = 30 * 60_000;

const LOST =
  "The provisioner running this job stopped responding. The last known state was kept. Check the resources, then run the job again.";
const NOBODY =
  "No provisioner that can run this job was available for 30 minutes. Start one with the job's tags, then try again.";

export type ReaperOptions = {
  store: JobStore;
  kinds: JobKinds;
  /** Jobs that expire are removed from it. */
  queue?: Pick<JobQueue, "discard">;
  pubsub: Pubsub;
  clock: Clock;
  logger: Logger;
  /** A running job is lost after this long without a heartbeat. */
  lostAfterMs: number;
  /** Called with the jobs that have ended, after that is stored. */
  onEnd?(jobs: readonly EndedJob[]): void;
};

export type ReaperTiming = {
  reap(): Promise<LostJob[]>;
  /** Rejects while the database is unavailable. */
  probe(): Promise<unknown>;
  clock: Clock;
  lostAfterMs: number;
};

/**
 * Decides when to reap. While coderd or its database was down, or the machine was suspended, heartbeats could not be
 * received, so nothing is reaped until coderd has been able to receive them for `lostAfterMs`.
 */
export function createReaper({ reap, probe, clock, lostAfterMs }: ReaperTiming) {
  let listeningSince = clock.now().getTime();
  let lastRun = listeningSince;

  return {
    /** Must be called much more often than every `lostAfterMs`. Returns the jobs that were handled. */
    async run(): Promise<LostJob[]> {
      const now = clock.now().getTime();
      if (now - lastRun > lostAfterMs / 2) listeningSince = now;
      lastRun = now;
      try {
        await probe();
        return now - listeningSince < lostAfterMs ? [] : await reap();
      } catch (error) {
        listeningSince = now;
        throw error;
      }
    },
  };
}

/**
 * Takes jobs from daemons that died. A template job, or a build that had not begun to apply, goes back to pending and is
 * retried. Any other build fails, because what terraform did is unknown; its last reported state is kept (ADR 14). Runs in one transaction: if coderd
 * is killed, the next run handles the jobs.
 *
 * @returns the jobs that were handled.
 */
export async function reapJobs(options: ReaperOptions): Promise<LostJob[]> {
  const { store, pubsub, clock, logger, lostAfterMs } = options;
  const now = clock.now();
  const before = (ms: number) => new Date(now.getTime() - ms);
  const { all, expired, channels } = await store.transaction(async (tx) => {
    const lost = await store.reap(tx, before(lostAfterMs), now, LOST);
    const expired = await store.expirePending(tx, before(PENDING_LIMIT_MS), now, NOBODY);
    const all = [...lost, ...expired];
    const channels: string[] = [];
    for (const [type, jobs] of Map.groupBy(all, (job) => job.type)) {
      const ended = jobs
        .filter(({ retried }) => !retried)
        .map(({ id }) => ({ jobId: id, result: undefined }));
      if (ended.length > 0) channels.push(...(await options.kinds[type].fail(tx, ended, now)));
    }
    return { all, expired, channels };
  });
  for (const job of expired) options.queue?.discard(job);
  for (const job of all) {
    logger.warn("the provisioner of a job stopped responding", {
      jobId: job.id,
      type: job.type,
      retried: job.retried,
    });
    channels.push(jobChannel(job.id), jobLogsChannel(job.id));
  }
  for (const channel of channels) pubsub.publish(channel, {});
  const ended = all.filter(({ retried }) => !retried);
  if (ended.length > 0)
    options.onEnd?.(
      ended.map(({ id, type, provisioner, seconds }) => ({ id, type, provisioner, seconds, failed: true })),
    );
  return all;
}
