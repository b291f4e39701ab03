import type { Clock } from "./clock.js";

export type CacheOptions<K, V> = {
  clock: Clock;
  /** How long a value is believed, in milliseconds; may depend on it. */
  ttlMs: number | ((value: V) => number);
  /** Entries at most: beyond it, the one that was made first goes. */
  limit: number;
  load(key: K): Promise<V>;
};

/** Values by key, each loaded when it is first asked for. */
export type Cache<K, V> = {
  /** The value; loaded once for all who ask meanwhile. A failure is theirs, and is not remembered. */
  get(key: K): Promise<V>;
  /** The keys that are held, with what they load or have loaded. */
  entries(): IterableIterator<[K, Promise<V>]>;
  delete(key: K): void;
  clear(): void;
};

/** A load that has not come to an end by then is left to those who wait for it: who asks later starts another. */
const LOAD_LIMIT_MS = 30_000;

/** A bounded cache of what a function loads. */
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
        // Something newer may stand there by now.
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

/** A cache of one value. With `force` it is loaded again. */
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
