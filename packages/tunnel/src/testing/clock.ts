import { type Clock, systemClock } from "@fleet/base";

/** A clock whose repeating timers fire when the test says so. */
export function createManualClock(): Clock & { tick(): void } {
  const repeating = new Set<() => void>();
  return {
    ...systemClock,
    every(_ms, callback) {
      repeating.add(callback);
      return { cancel: () => repeating.delete(callback) };
    },
    tick() {
      for (const callback of repeating) callback();
    },
  };
}
