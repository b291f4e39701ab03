import { type Clock, errorMessage, type Logger } from "@fleet/base";
import type { Redis } from "ioredis";
import { Counter, type Registry } from "prom-client";

/** Work that some replica does now and then. */
export type PeriodicJob = {
  name: string;
  everyMs: number;
  /** Every replica does it; otherwise one of them. */
  eachReplica?: boolean;
  run(): Promise<unknown>;
};

export type JobRunnerOptions = {
  jobs: readonly PeriodicJob[];
  /** Where replicas agree who runs: at most one each interval. Without it each runs by itself, which every job bears. */
  redis: Redis;
  prefix: string;
  clock: Clock;
  logger: Logger;
  /** Told the name of a job each time that this replica begins it. */
  onRun: OnRun;
};

export type OnRun = (job: string) => void;

/** Counts what this replica does of the periodic jobs: over all replicas it says how often each was done. */
export function countRuns(registry: Registry): OnRun {
  const runs = new Counter({
    name: "coderd_periodic_job_runs_total",
    help: "Runs of periodic jobs on this replica.",
    labelNames: ["job"],
    registers: [registry],
  });
  return (job) => runs.inc({ job });
}

/** Runs each job at its interval, never twice at once. A failure is logged and tried again. */
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

/** True for the first to ask within the interval; true for everybody while Redis cannot tell. */
export async function mayRun(redis: Redis, key: string, intervalMs: number): Promise<boolean> {
  try {
    // A little shorter than the interval, so that the next round finds the key gone.
    return (await redis.set(key, "1", "PX", Math.max(1, Math.floor(intervalMs * 0.9)), "NX")) === "OK";
  } catch {
    return true;
  }
}
