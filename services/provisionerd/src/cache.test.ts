import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "@fleet/base";
import { createDiskCache, IN_USE_MS } from "./cache.js";

const HOUR_MS = 3_600_000;

/** A cache of entries with the given hours since their last use and sizes. */
async function createCache(entries: Record<string, { hours: number; bytes: number }>, limits: object = {}) {
  const root = await mkdtemp(join(tmpdir(), "fleet-cache-"));
  const folders = ["one", "two"].map((name) => join(root, name));
  for (const folder of folders) await mkdir(folder);
  for (const [path, { hours, bytes }] of Object.entries(entries)) {
    const entry = join(root, path);
    await mkdir(join(entry, "sub"), { recursive: true });
    await writeFile(join(entry, "sub/file"), Buffer.alloc(bytes));
    const at = new Date(Date.now() - hours * HOUR_MS);
    await utimes(entry, at, at);
  }
  const cache = createDiskCache({
    folders,
    limits: { maxBytes: 1_000, maxAgeMs: 100 * HOUR_MS, ...limits },
    clock: systemClock,
  });
  return {
    root,
    cache,
    left: async () => (await Promise.all(folders.map((folder) => readdir(folder)))).flat().sort(),
    [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }),
  };
}

test("what was not used for too long goes, and then the least recently used of all folders until the rest fits", async () => {
  await using small = await createCache({
    "one/old": { hours: 101, bytes: 1 },
    "one/a": { hours: 30, bytes: 500 },
    "two/b": { hours: 20, bytes: 500 },
    "two/c": { hours: 10, bytes: 500 },
  });
  await small.cache.used(join(small.root, "one/a"));
  await small.cache.evict();
  expect(await small.left()).toEqual(["a", "c"]);
});

test("what a job may be using stays, whatever the limits", async () => {
  await using full = await createCache(
    { "one/running": { hours: 0, bytes: 2_000 }, "two/idle": { hours: 2, bytes: 1 } },
    { maxBytes: 0, maxAgeMs: 0 },
  );
  expect(IN_USE_MS).toBe(HOUR_MS);
  await full.cache.evict();
  expect(await full.left()).toEqual(["running"]);
});
