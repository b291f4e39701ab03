import { type Clock, FleetError } from "@fleet/base";
import type { StopSignals } from "@fleet/provisionersdk";

/** Why a job is stopped before it is done. */
export type StopReason = "canceled" | "shutdown" | "silent" | "lost";

export type JobStop = StopSignals & {
  readonly reason: StopReason | undefined;
  /** True once the job may have changed resources. */
  readonly changes: boolean;
  /** The job begins to change resources. Throws `canceled` if it is to stop. */
  beginChanges(): void;
  /**
   * Asks the job to exit gracefully, and kills it after `graceMs`. The first reason is kept, unless the job is lost.
   */
  request(reason: StopReason, graceMs: number): void;
  /** Cancels pending timers. */
  settle(): void;
};

export function createJobStop(clock: Clock): JobStop {
  const graceful = new AbortController();
  const forced = new AbortController();
  let reason: StopReason | undefined;
  let changes = false;
  let timer = { cancel() {} };
  let forcedAt = Number.POSITIVE_INFINITY;

  function force(): void {
    timer.cancel();
    graceful.abort();
    forced.abort();
  }

  return {
    graceful: graceful.signal,
    forced: forced.signal,
    get reason() {
      return reason;
    },
    get changes() {
      return changes;
    },
    beginChanges() {
      if (graceful.signal.aborted) throw new FleetError("canceled", "The job was canceled.");
      changes = true;
    },
    request(why, graceMs) {
      reason = why === "lost" ? why : (reason ?? why);
      graceful.abort();
      // Immediately, because a timer of an earlier request may be wrong after a sleep or a clock change.
      if (graceMs === 0) return force();
      const at = clock.now().getTime() + graceMs;
      if (at >= forcedAt) return;
      forcedAt = at;
      timer.cancel();
      timer = clock.after(graceMs, force);
    },
    settle: () => timer.cancel(),
  };
}
