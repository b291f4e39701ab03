import { createCache } from "./cache.js";
import type { Clock } from "./clock.js";

function fixture(options: { limit?: number; ttlMs?: number | ((value: string) => number) } = {}) {
  let nowMs = 0;
  const loads: string[] = [];
  const clock = { now: () => new Date(nowMs) } as Clock;
  let failing = false;
  const cache = createCache<string, string>({
    clock,
    ttlMs: options.ttlMs ?? 100,
    limit: options.limit ?? 10,
    async load(key) {
      loads.push(key);
      if (failing) throw new Error("away");
      return `${key}${loads.length}`;
    },
  });
  return { cache, loads, pass: (ms: number) => (nowMs += ms), fail: (on: boolean) => (failing = on) };
}

test("a value is loaded once for concurrent callers, and again after it expires", async () => {
  const { cache, loads, pass } = fixture();
  expect(await Promise.all([cache.get("a"), cache.get("a")])).toEqual(["a1", "a1"]);
  pass(99);
  expect(await cache.get("a")).toBe("a1");
  pass(1);
  expect(await cache.get("a")).toBe("a2");
  expect(loads).toEqual(["a", "a"]);
});

test("a failed load rejects its callers and is not cached", async () => {
  const { cache, fail } = fixture();
  fail(true);
  await expect(cache.get("a")).rejects.toThrow("away");
  fail(false);
  expect(await cache.get("a")).toBe("a2");
});

test("beyond the limit, the oldest entry is evicted", async () => {
  const { cache, loads } = fixture({ limit: 2 });
  for (const key of ["a", "b", "c", "b", "a"]) await cache.get(key);
  expect(loads).toEqual(["a", "b", "c", "a"]);
});

test("an entry deleted while it loads is not cached", async () => {
  const { cache, loads } = fixture();
  const first = cache.get("a");
  cache.delete("a");
  const second = cache.get("a");
  expect(await Promise.all([first, second])).toEqual(["a1", "a2"]);
  expect(await cache.get("a")).toBe("a2");
  expect(loads).toHaveLength(2);
});

test("the lifetime can depend on the value", async () => {
  const { cache, pass } = fixture({ ttlMs: (value) => (value === "a1" ? 10 : 1_000) });
  await cache.get("a");
  pass(10);
  expect(await cache.get("a")).toBe("a2");
  pass(10);
  expect(await cache.get("a")).toBe("a2");
});
