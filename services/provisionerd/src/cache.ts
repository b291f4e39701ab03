import { lstat, readdir, rm, utimes } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "@fleet/base";

/** What is kept in the cache directory. */
export type CacheLimits = { maxBytes: number; maxAgeMs: number };

export const UNLIMITED: CacheLimits = {
  maxBytes: Number.POSITIVE_INFINITY,
  maxAgeMs: Number.POSITIVE_INFINITY,
};

/** An entry that was used this recently may be in use by a job, and stays whatever the limits. */
export const IN_USE_MS = 3_600_000;

/** The entries of the daemon's cache folders: files or folders, each as old as its last use. */
export type DiskCache = {
  /** Counts the entry as used now. */
  used(path: string): Promise<void>;
  /** Removes entries that were not used for too long; then, until the rest fits, the least recently used. */
  evict(): Promise<void>;
};

export function createDiskCache(options: {
  folders: readonly string[];
  limits: CacheLimits;
  clock: Clock;
}): DiskCache {
  const { folders, limits, clock } = options;
  let running: Promise<void> | undefined;

  async function evict(): Promise<void> {
    const now = clock.now().getTime();
    const entries = (await Promise.all(folders.map(entriesOf))).flat();
    entries.sort((a, b) => a.usedAtMs - b.usedAtMs);
    let total = entries.reduce((sum, { bytes }) => sum + bytes, 0);
    for (const { path, usedAtMs, bytes } of entries) {
      const idleMs = now - usedAtMs;
      if (idleMs < IN_USE_MS || (idleMs <= limits.maxAgeMs && total <= limits.maxBytes)) continue;
      await rm(path, { recursive: true, force: true });
      total -= bytes;
    }
  }

  return {
    async used(path) {
      const now = clock.now();
      await utimes(path, now, now).catch(() => {});
    },
    evict() {
      running ??= evict().finally(() => {
        running = undefined;
      });
      return running;
    },
  };
}

async function entriesOf(folder: string): Promise<{ path: string; usedAtMs: number; bytes: number }[]> {
  const names = await readdir(folder).catch(() => []);
  const entries = names.map(async (name) => {
    const path = join(folder, name);
    const info = await lstat(path).catch(() => undefined);
    return info ? [{ path, usedAtMs: info.mtimeMs, bytes: await bytesOf(path) }] : [];
  });
  return (await Promise.all(entries)).flat();
}

async function bytesOf(path: string): Promise<number> {
  const info = await lstat(path).catch(() => undefined);
  if (!info) return 0;
  if (!info.isDirectory()) return info.size;
  const names = await readdir(path).catch(() => []);
  let bytes = 0;
  for (const name of names) bytes += await bytesOf(join(path, name));
  return bytes;
}
