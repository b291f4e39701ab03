import type { Clock } from "./clock.js";

export type CacheOptions<K, V> = {
  clock: Clock;
  /** How long a value stays valid, in milliseconds; may depend on the value. */
  ttlMs: number | ((value: V) => number);
  /** Maximum entries: beyond it, the oldest is evicted. */
  limit: number;
  load(key: K): Promise<V>;
};

/** Values by key, each loaded on first use. */
export type Cache<K, V> = {
  /** The value; concurrent callers share one load. A failure is returned to them and not cached. */
  get(key: K): Promise<V>;
  /** The cached keys, with the value or its pending load. */
  entries(): IterableIterator<[K, Promise<V>]>;
  delete(key: K): void;
  clear(): void;
};

/** After this long, a pending load is left to its current callers, and the next caller starts another. */
const LOAD_LIMIT_MS = 30_000;

/** A bounded cache of a function's results. */
export function createCache<K, V>({ clock, ttlMs, limit, load }: CacheOptions<K, V>): Cache<K, V> {
  type Entry = { value: Promise<V>; untilMs: number };
  const held = new Map<K, Entry>();
  const ttlOf = typeof ttlMs === "number" ? () => ttlMs : ttlMs;

  function add(key: K): Promise<V> {
    const startedMs = clock.now().getTime();
    const entry: Entry = { value: load(key), untilMs: startedMs + LOAD_LIMIT_MS };
    held.delete(key);
    held.set(key, entry);
    if (held.size > limit) held.delete(held.keys().next().value!);
    entry.value.then(
      (value) => {
        entry.untilMs = startedMs + ttlOf(value);
      },
      () => {
        // A newer load may have replaced it.
        if (held.get(key) === entry) held.delete(key);
      },
    );
    return entry.value;
  }

  return {
    get(key) {
      const entry = held.get(key);
      return entry && clock.now().getTime() < entry.untilMs ? entry.value : add(key);
    },
    *entries() {
      for (const [key, { value }] of held) yield [key, value];
    },
    delete: (key) => void held.delete(key),
    clear: () => held.clear(),
  };
}

/** A cache of one value. `force` reloads it. */
export function createCachedValue<V>(
  clock: Clock,
  ttlMs: number,
  load: () => Promise<V>,
): (options?: { force?: boolean | undefined }) => Promise<V> {
  const cache = createCache<undefined, V>({ clock, ttlMs, limit: 1, load });
  return ({ force = false } = {}) => {
    if (force) cache.clear();
    return cache.get(undefined);
  };
}
