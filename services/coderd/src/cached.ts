import type { Clock } from "@fleet/base";

/**
 * Remembers what `work` resolved to for `ms` milliseconds; who asks meanwhile shares it. A failure is not remembered.
 * With `force`, the work is done again.
 */
export function createCached<T>(
  clock: Clock,
  ms: number,
  work: () => Promise<T>,
): (options?: { force?: boolean | undefined }) => Promise<T> {
  let known: { at: number; value: Promise<T> } | undefined;
  return ({ force = false } = {}) => {
    const now = clock.now().getTime();
    if (known && !force && now - known.at < ms) return known.value;
    const entry = { at: now, value: work() };
    entry.value.catch(() => {
      if (known === entry) known = undefined;
    });
    known = entry;
    return entry.value;
  };
}
