import { readFile, statfs } from "node:fs/promises";
import { availableParallelism, cpus, freemem, totalmem } from "node:os";

/** Usage of a resource; no total means no limit. */
export type Usage = { used: number; total?: number };

/** Locations of the kernel's files; replaced in tests. */
export type Roots = { cgroup: string; proc: string };
export const SYSTEM: Roots = { cgroup: "/sys/fs/cgroup", proc: "/proc" };

async function numberIn(path: string): Promise<number | undefined> {
  const text = (await readFile(path, "utf8").catch(() => "")).trim();
  const value = Number(text.split(/\s/)[0]);
  return text === "" || Number.isNaN(value) ? undefined : value;
}

/** Reads a limit; "max", and cgroup v1's value near 2^63, mean no limit. */
async function limitIn(path: string): Promise<number | undefined> {
  const value = await numberIn(path);
  return value === undefined || value <= 0 || value > 2 ** 60 ? undefined : value;
}

async function fieldIn(path: string, name: string): Promise<number | undefined> {
  const text = await readFile(path, "utf8").catch(() => "");
  const match = new RegExp(`^${name}:?\\s+(\\d+)`, "m").exec(text);
  return match ? Number(match[1]) : undefined;
}

/** CPU cores used by this container during `sleep`; the host's if there is no container. */
export async function cpuUsage(
  roots: Roots,
  host: boolean,
  sleep: (ms: number) => Promise<void>,
): Promise<Usage> {
  const SAMPLE_MS = 250;
  const read = host ? hostCpuSeconds : async () => (await containerCpuSeconds(roots)) ?? hostCpuSeconds();
  const [before, startedAt] = [await read(), performance.now()];
  await sleep(SAMPLE_MS);
  const seconds = (performance.now() - startedAt) / 1000;
  const used = Math.max(0, ((await read()) - before) / seconds);
  const limit = host ? undefined : await containerCores(roots);
  return { used, total: limit ?? availableParallelism() };
}

async function containerCpuSeconds({ cgroup }: Roots): Promise<number | undefined> {
  const microseconds = await fieldIn(`${cgroup}/cpu.stat`, "usage_usec");
  if (microseconds !== undefined) return microseconds / 1e6;
  const nanoseconds = await numberIn(`${cgroup}/cpuacct/cpuacct.usage`);
  return nanoseconds === undefined ? undefined : nanoseconds / 1e9;
}

async function containerCores({ cgroup }: Roots): Promise<number | undefined> {
  const [quota, period] = (await readFile(`${cgroup}/cpu.max`, "utf8").catch(() => ""))
    .trim()
    .split(" ")
    .map(Number);
  if (quota && period) return quota / period;
  const quotaV1 = await limitIn(`${cgroup}/cpu/cpu.cfs_quota_us`);
  const periodV1 = await limitIn(`${cgroup}/cpu/cpu.cfs_period_us`);
  return quotaV1 && periodV1 ? quotaV1 / periodV1 : undefined;
}

function hostCpuSeconds(): number {
  return cpus().reduce((sum, { times }) => sum + times.user + times.nice + times.sys + times.irq, 0) / 1000;
}

/** Bytes of memory in use, without reclaimable caches. */
export async function memoryUsage({ cgroup, proc }: Roots, host: boolean): Promise<Usage> {
  const total = totalmem();
  if (!host) {
    for (const files of [
      { used: "memory.current", limit: "memory.max", stat: "memory.stat", cache: "inactive_file" },
      {
        used: "memory/memory.usage_in_bytes",
        limit: "memory/memory.limit_in_bytes",
        stat: "memory/memory.stat",
        cache: "total_inactive_file",
      },
    ]) {
      const used = await numberIn(`${cgroup}/${files.used}`);
      if (used === undefined) continue;
      const cache = (await fieldIn(`${cgroup}/${files.stat}`, files.cache)) ?? 0;
      return { used: Math.max(0, used - cache), total: (await limitIn(`${cgroup}/${files.limit}`)) ?? total };
    }
  }
  const available = await fieldIn(`${proc}/meminfo`, "MemAvailable");
  return { used: total - (available === undefined ? freemem() : available * 1024), total };
}

/** Bytes in use on the file system of the path. */
export async function diskUsage(path: string): Promise<Usage> {
  const { blocks, bfree, bsize } = await statfs(path);
  return { used: (blocks - bfree) * bsize, total: blocks * bsize };
}
