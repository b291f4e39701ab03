/** Bytes that break parsers, generated from a seed: the same in every run. */
export type Hostile = {
  /** A whole number from 0 up to, not including, `limit`. */
  below(limit: number): number;
  pick<T>(items: readonly T[]): T;
  /** Random bytes, at most `limit` of them. */
  bytes(limit: number): Buffer;
  /** The sample with some bytes changed, removed, duplicated or inserted, truncated, or unchanged. */
  mutate(sample: Buffer | string): Buffer;
  /** The JSON value with one part replaced by another, at some depth. */
  alter(sample: unknown): unknown;
  /** A JSON value, nested a few levels, including edge cases that code forgets. */
  value(depth?: number): unknown;
};

/** What breaks text: signs of grammars, control characters, what is no UTF-8, numbers at the edges of their types. */
const ODD = [
  "\0",
  "\r\n",
  "\r",
  "\n\n",
  "%",
  "%zz",
  "%00",
  "\\u0000",
  "\u{1f648}",
  "\ud800",
  "../../../../etc/passwd",
  "__proto__",
  "constructor",
  "-1",
  "0",
  "1e309",
  "NaN",
  "4294967296",
  "9007199254740993",
  "99999999999999999999",
  "{}",
  "[[[[",
  '"',
  "'; --",
  ":",
  ";",
  ",",
  "=",
  " ",
  "\t",
  "\x7f",
  "a".repeat(70_000),
];

const VALUES: readonly unknown[] = [null, true, 0, -1, 1.5, 1e308, 2 ** 53, "", ...ODD.slice(0, -1), [], {}];

/** A generator that returns the same values for the same seed (mulberry32). */
export function createHostile(seed: number): Hostile {
  let state = seed >>> 0;
  function random(): number {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
  const below = (limit: number) => Math.floor(random() * limit);
  const pick = <T>(items: readonly T[]) => items[below(items.length)]!;
  const bytes = (limit: number) => Buffer.from(Array.from({ length: below(limit + 1) }, () => below(256)));

  function once(sample: Buffer): Buffer {
    const at = below(sample.length + 1);
    const to = Math.min(sample.length, at + below(20));
    switch (below(6)) {
      case 0:
        return Buffer.concat([sample.subarray(0, at), bytes(8), sample.subarray(to)]);
      case 1:
        return Buffer.concat([sample.subarray(0, to), sample.subarray(at)]);
      case 2:
        return sample.subarray(0, at);
      case 3:
        return Buffer.concat([sample.subarray(0, at), Buffer.from(pick(ODD)), sample.subarray(at)]);
      case 4: {
        const changed = Buffer.from(sample);
        if (at < changed.length) changed[at]! ^= 1 << below(8);
        return changed;
      }
      default:
        return sample;
    }
  }

  function value(depth = 3): unknown {
    const kind = depth === 0 ? 0 : below(4);
    if (kind === 1) return Array.from({ length: below(4) }, () => value(depth - 1));
    if (kind === 2)
      return Object.fromEntries(Array.from({ length: below(4) }, () => [pick(ODD), value(depth - 1)]));
    return pick(VALUES);
  }

  function alter(sample: unknown): unknown {
    if (typeof sample !== "object" || sample === null || below(6) === 0) return value();
    if (Array.isArray(sample)) {
      const at = below(sample.length + 1);
      return sample.toSpliced(at, below(2), at < sample.length ? alter(sample[at]) : value());
    }
    const keys = Object.keys(sample);
    if (keys.length === 0) return value();
    const key = pick(keys);
    return { ...sample, [key]: alter((sample as Record<string, unknown>)[key]) };
  }

  return {
    below,
    pick,
    bytes,
    alter,
    mutate(sample) {
      let mutated = Buffer.from(sample as string);
      for (let left = 1 + below(3); left > 0; left--) mutated = Buffer.from(once(mutated));
      return mutated;
    },
    value,
  };
}
