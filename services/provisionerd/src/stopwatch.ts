import type { Clock } from "@fleet/base";

/** Time that only grows: what the machine's clock says, and at least what this process's timers say. */
export type Stopwatch = {
  /** Milliseconds since the start. A machine that slept and a process that was stopped are counted once they go on. */
  readMs(): number;
  stop(): void;
};

const TICK_MS = 1_000;

/**
 * Starts a stopwatch. The wall clock alone may be set back, and timers alone stand still while a machine sleeps: each
 * second counts for whichever of the two is more. `onTick` is called each second, and soon after a stopped process goes on.
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
