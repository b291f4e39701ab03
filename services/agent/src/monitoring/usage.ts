import { readFile, statfs } from "node:fs/promises";
import { freemem, totalmem } from "node:os";
import type { Usage } from "../uplink/reports.js";

/** Where a container's limit and usage are, in cgroup v2 and v1. */
const CGROUPS = [
  {
    limit: "/sys/fs/cgroup/memory.max",
    used: "/sys/fs/cgroup/memory.current",
    stat: "/sys/fs/cgroup/memory.stat",
  },
  {
    limit: "/sys/fs/cgroup/memory/memory.limit_in_bytes",
    used: "/sys/fs/cgroup/memory/memory.usage_in_bytes",
    stat: "/sys/fs/cgroup/memory/memory.stat",
  },
];

/** Memory of the container if it has a limit, else of the machine. Pages that can be reclaimed do not count as used. */
export async function memoryUsage(): Promise<Usage> {
  const machine = await machineMemory();
  for (const { limit, used, stat } of CGROUPS) {
    const [totalBytes, current] = await Promise.all([numberIn(limit), numberIn(used)]);
    if (totalBytes === undefined || current === undefined || totalBytes >= machine.totalBytes) continue;
    const reclaimable = fieldOf(await textOf(stat), /^(?:total_)?inactive_file (\d+)$/m) ?? 0;
    return { usedBytes: Math.max(0, current - reclaimable), totalBytes };
  }
  return machine;
}

async function machineMemory(): Promise<Usage> {
  const totalBytes = totalmem();
  const available = fieldOf(await textOf("/proc/meminfo"), /^MemAvailable:\s+(\d+) kB$/m);
  return { totalBytes, usedBytes: totalBytes - (available === undefined ? freemem() : available * 1024) };
}

/** Space of the volume that holds the path, as `df` counts it. Rejects if it cannot be read. */
export async function volumeUsage(path: string): Promise<Usage> {
  const { bsize, blocks, bfree, bavail } = await statfs(path);
  const usedBytes = (blocks - bfree) * bsize;
  // What is reserved for root is neither used nor available.
  return { usedBytes, totalBytes: usedBytes + bavail * bsize };
}

const textOf = (path: string) => readFile(path, "utf8").catch(() => "");

async function numberIn(path: string): Promise<number | undefined> {
  return fieldOf(await textOf(path), /^(\d+)\s*$/);
}

function fieldOf(text: string, pattern: RegExp): number | undefined {
  const [, digits] = pattern.exec(text) ?? [];
  return digits === undefined ? undefined : Number(digits);
}
