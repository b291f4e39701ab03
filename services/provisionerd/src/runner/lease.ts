import type { Stopwatch } from "../stopwatch.js";
import type { JobStop } from "./stop.js";

/**
 * A daemon's lease on a job. coderd abandons a job after a set time without an update, and lets another daemon start
 * the same work: by then this run must have ended completely.
 */
export type JobLease = {
  /** coderd has acknowledged a message sent at this stopwatch time: the lease is counted from then. */
  heard(atMs: number): void;
  /** Stops the job if the lease has expired. Call it often, and before starting anything. */
  check(): void;
  /** Heartbeat interval, in milliseconds. */
  readonly beatMs: number;
};

/**
 * Fractions of the time after which coderd abandons a job. The last quarter is a margin for processes to exit and for
 * clock differences between coderd replicas.
 */
const BEAT = 1 / 12;
const STOP = 1 / 2;
const KILL = 3 / 4;

export type JobLeaseOptions = {
  stopwatch: Pick<Stopwatch, "readMs">;
  /** Stopwatch time of the claim. */
  askedAtMs: number;
  /** The time after which coderd abandons the job, as sent with the claim. */
  lostAfterMs: number;
  stop: Pick<JobStop, "request">;
};

export function createJobLease({ stopwatch, askedAtMs, lostAfterMs, stop }: JobLeaseOptions): JobLease {
  let heardAtMs = askedAtMs;
  return {
    heard(atMs) {
      heardAtMs = Math.max(heardAtMs, atMs);
    },
    check() {
      const silentMs = stopwatch.readMs() - heardAtMs;
      if (silentMs >= lostAfterMs * STOP) stop.request("silent", Math.max(0, lostAfterMs * KILL - silentMs));
    },
    beatMs: lostAfterMs * BEAT,
  };
}
