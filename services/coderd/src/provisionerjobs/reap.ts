import type { Clock, Logger } from "@fleet/base";
import { jobChannel, jobLogsChannel } from "../pubsub/channels.js";
import type { Pubsub } from "../pubsub/pubsub.js";
import type { JobKinds } from "./assignments.js";
import type { EndedJob, JobStore, LostJob } from "./store.js";

/** A template job whose daemons die is tried this often in all. */
const MAX_ATTEMPTS = 3;
/** A job that nobody can take fails after this long. */
export const PENDING_LIMIT_MS = 30 * 60_000;

const LOST =
  "The provisioner running this job stopped responding. The last known state was kept. Check the resources, then run the job again.";
const NOBODY =
  "No provisioner that can run this job was available for 30 minutes. Start one with the job's tags, then try again.";

export type ReaperOptions = {
  store: JobStore;
  kinds: JobKinds;
  pubsub: Pubsub;
  clock: Clock;
  logger: Logger;
  /** A running job without a sign of life for this long is lost. */
  lostAfterMs: number;
  /** Hears of the jobs that have ended, once that is stored. */
  onEnd?(jobs: readonly EndedJob[]): void;
};

export type ReaperTiming = {
  reap(): Promise<LostJob[]>;
  /** Rejects while the database is away. */
  probe(): Promise<unknown>;
  clock: Clock;
  lostAfterMs: number;
};

/**
 * Says when to reap: while coderd or its database was away, or the machine slept, nobody could hear a heartbeat, so that
 * nothing is reaped until coderd has been able to listen for as long as a job may be silent.
 */
export function createReaper({ reap, probe, clock, lostAfterMs }: ReaperTiming) {
  let listeningSince = clock.now().getTime();
  let lastRun = listeningSince;

  return {
    /** To be called much more often than each `lostAfterMs`. Gives what was done with which job. */
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
 * Takes jobs from daemons that died. A template job is pending again and runs anew; a build is failed, never run twice:
 * what terraform did is not known, and the state that it last reported is kept. All in one transaction: a coderd that is
 * killed leaves the jobs to the next.
 *
 * @returns what was done with which job.
 */
export async function reapJobs(options: ReaperOptions): Promise<LostJob[]> {
  const { store, pubsub, clock, logger, lostAfterMs } = options;
  const now = clock.now();
  const before = (ms: number) => new Date(now.getTime() - ms);
  const { all, channels } = await store.transaction(async (tx) => {
    const lost = await store.reap(tx, before(lostAfterMs), now, MAX_ATTEMPTS, LOST);
    const expired = await store.expirePending(tx, before(PENDING_LIMIT_MS), now, NOBODY);
    const all = [...lost, ...expired];
    const channels: string[] = [];
    for (const [type, jobs] of Map.groupBy(all, (job) => job.type)) {
      const ended = jobs
        .filter(({ retried }) => !retried)
        .map(({ id }) => ({ jobId: id, result: undefined }));
      if (ended.length > 0) channels.push(...(await options.kinds[type].fail(tx, ended, now)));
    }
    return { all, channels };
  });
  for (const job of all) {
    logger.warn("failed a job whose provisioner stopped responding", {
      jobId: job.id,
      type: job.type,
      retried: job.retried,
    });
    channels.push(jobChannel(job.id), jobLogsChannel(job.id));
  }
  for (const channel of channels) pubsub.publish(channel, {});
  const ended = all.filter(({ retried }) => !retried);
  if (ended.length > 0) options.onEnd?.(ended.map(({ retried: _, ...job }) => ({ ...job, failed: true })));
  return all;
}
