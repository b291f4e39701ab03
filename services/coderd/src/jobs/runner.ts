import { type Clock, errorMessage, type Logger } from "@fleet/base";
import type { Redis } from "ioredis";
import { Counter, type Registry } from "prom-client";

/** A periodic job. */
export type PeriodicJob = {
  name: string;
  everyMs: number;
  /** Run on every replica; otherwise on one of them. */
  eachReplica?: boolean;
  run(): Promise<unknown>;
};

export type JobRunnerOptions = {
  jobs: readonly PeriodicJob[];
  /**
   * Coordinates replicas: at most one run per interval. Without it each replica runs the job, which every job
   * tolerates.
   */
  redis: Redis;
  prefix: string;
  clock: Clock;
  logger: Logger;
  /** Called with the job's name each time this replica starts a run. */
  onRun: OnRun;
};

export type OnRun = (job: string) => void;

/** Counts this replica's runs of the periodic jobs; the sum over all replicas is the number of runs. */
export function countRuns(registry: Registry): OnRun {
  const runs = new Counter({
    name: "coderd_periodic_job_runs_total",
    help: "Runs of periodic jobs on this replica.",
    labelNames: ["job"],
    registers: [registry],
  });
  return (job) => runs.inc({ job });
}

/** Runs each job at its interval, never concurrently with itself. Failures are logged and retried. */
export function startPeriodicJobs({ jobs, redis, prefix, clock, logger, onRun }: JobRunnerOptions): {
  close(): Promise<void>;
} {
  const running = new Map<string, Promise<void>>();
  let closed = false;

  async function run(job: PeriodicJob): Promise<void> {
    try {
      const chosen = job.eachReplica || (await mayRun(redis, `${prefix}:lock:${job.name}`, job.everyMs));
      if (!chosen || closed) return;
      onRun(job.name);
      await job.run();
    } catch (error) {
      if (!closed) logger.warn("periodic job failed", { job: job.name, error: errorMessage(error) });
    }
  }

  const timers = jobs.map((job) =>
    clock.every(job.everyMs, () => {
      if (closed || running.has(job.name)) return;
      running.set(
        job.name,
        run(job).finally(() => running.delete(job.name)),
      );
    }),
  );
  return {
    async close() {
      closed = true;
      for (const timer of timers) timer.cancel();
      await Promise.all(running.values());
    },
  };
}

/** True for the first caller within the interval; true for every caller while Redis is unavailable. */
export async function mayRun(redis: Redis, key: string, intervalMs: number): Promise<boolean> {
  try {
    // Slightly shorter than the interval, so that the key has expired by the next round.
    return (await redis.set(key, "1", "PX", Math.max(1, Math.floor(intervalMs * 0.9)), "NX")) === "OK";
  } catch {
    return true;
  }
}
