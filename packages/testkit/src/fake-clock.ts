import { abortError, type Clock, type Timer } from "@fleet/base";

export type FakeClock = Clock & {
  /** Advances by `ms` milliseconds: due timers run in order, each followed by the promises that it settled. */
  advance(ms: number): Promise<void>;
  /** Number of pending timers. */
  readonly pending: number;
};

type Entry = { at: number; callback: () => void; everyMs?: number };

/** A clock that only moves when the test advances it. */
export function createFakeClock(start: Date = new Date("2026-01-01T00:00:00Z")): FakeClock {
  let nowMs = start.getTime();
  const entries = new Set<Entry>();

  function add(ms: number, callback: () => void, everyMs?: number): Timer {
    const entry: Entry = { at: nowMs + Math.max(0, ms), callback, everyMs };
    entries.add(entry);
    return { cancel: () => entries.delete(entry) };
  }

  function earliest(untilMs: number): Entry | undefined {
    let first: Entry | undefined;
    for (const entry of entries) {
      if (entry.at <= untilMs && (!first || entry.at < first.at)) first = entry;
    }
    return first;
  }

  return {
    now: () => new Date(nowMs),
    after: (ms, callback) => add(ms, callback),
    every: (ms, callback) => add(ms, callback, Math.max(1, ms)),
    sleep(ms, signal) {
      return new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(abortError(signal));
        const onAbort = () => {
          timer.cancel();
          reject(abortError(signal!));
        };
        const timer = add(ms, () => {
          signal?.removeEventListener("abort", onAbort);
          resolve();
        });
        signal?.addEventListener("abort", onAbort, { once: true });
      });
    },
    async advance(ms) {
      const untilMs = nowMs + ms;
      await settle();
      for (let entry = earliest(untilMs); entry; entry = earliest(untilMs)) {
        nowMs = entry.at;
        if (entry.everyMs === undefined) entries.delete(entry);
        else entry.at += entry.everyMs;
        entry.callback();
        await settle();
      }
      nowMs = untilMs;
    },
    get pending() {
      return entries.size;
    },
  };
}

/** One turn of the event loop, after which all promises that could settle without I/O have settled. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
