import type { Clock } from "@fleet/base";

/** A monotonic clock that combines the wall clock and this process's timers. */
export type Stopwatch = {
  /** Milliseconds since the start. Includes time during which the machine slept or the process was stopped. */
  readMs(): number;
  stop(): void;
};

const TICK_MS = 1_000;

/**
 * Starts a stopwatch. The wall clock can be set back, and timers pause while the machine sleeps, so each second counts
 * as the greater of the two. `onTick` is called each second, and soon after a stopped process continues.
 */
export function createStopwatch(clock: Clock, onTick: () => void): Stopwatch {
  let counted = 0;
  let countedAt = clock.now().getTime();
  let latest = 0;
  const timer = clock.every(TICK_MS, () => {
    const now = clock.now().getTime();
    counted += Math.max(TICK_MS, now - countedAt);
    countedAt = now;
    onTick();
  });
  return {
    readMs() {
      latest = Math.max(latest, counted + clock.now().getTime() - countedAt);
      return latest;
    },
    stop: () => timer.cancel(),
  };
}
