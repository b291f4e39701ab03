import type { Stopwatch } from "../stopwatch.js";
import type { JobStop } from "./stop.js";

/**
 * A daemon's right to run a job. coderd gives up a job of which it has heard nothing for a time that it names, and lets
 * another daemon start the same work: by then nothing of this run may be alive.
 */
export type JobLease = {
  /** coderd knows of what was sent at this time of the stopwatch: it gives the job up no sooner than counted from then. */
  heard(atMs: number): void;
  /** Stops the job when the lease runs out. To be called often, and before anything is begun. */
  check(): void;
  /** How often to make oneself heard, milliseconds. */
  readonly beatMs: number;
};

/**
 * Parts of the time after which coderd gives a job up. The last quarter is a margin: for processes to die, and for
 * replicas of coderd whose clocks differ.
 */
const BEAT = 1 / 12;
const STOP = 1 / 2;
const KILL = 3 / 4;

export type JobLeaseOptions = {
  stopwatch: Pick<Stopwatch, "readMs">;
  /** When the job was asked for, by the stopwatch. */
  askedAtMs: number;
  /** What coderd said when the job was taken. */
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
