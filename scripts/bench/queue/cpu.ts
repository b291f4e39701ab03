import { readdirSync, readFileSync } from "node:fs";

/** Processor time in milliseconds, by what used it. */
export type CpuMs = Record<string, number>;

/** Linux counts processor time in ticks of this length. */
const TICK_MS = 10;

type Process = { pid: number; parent: number; name: string; ms: number };

/** What this process and its descendants have used so far; `nameOf` says to whom a process belongs. */
export function cpuOfTree(nameOf: (process: { pid: number; name: string }) => string): CpuMs {
  const processes = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap(read);
  const children = Map.groupBy(processes, ({ parent }) => parent);
  const total: CpuMs = {};
  const add = (found: Process) => {
    const name = nameOf(found);
    total[name] = (total[name] ?? 0) + found.ms;
    for (const child of children.get(found.pid) ?? []) add(child);
  };
  for (const found of processes) if (found.pid === process.pid) add(found);
  return total;
}

/** `after` less `before`, for each of `jobs`. */
export function perJob(before: CpuMs, after: CpuMs, jobs: number): CpuMs {
  return Object.fromEntries(
    Object.entries(after).map(([name, ms]) => [name, (ms - (before[name] ?? 0)) / jobs]),
  );
}

function read(pid: string): Process[] {
  try {
    const [, name, rest] = /\((.*)\) (.*)/s.exec(readFileSync(`/proc/${pid}/stat`, "latin1"))!;
    // proc(5): the state, the parent, …; user and system time are the 14th and the 15th, those of dead children follow.
    const fields = rest!.split(" ").map(Number);
    const ticks = fields[11]! + fields[12]! + fields[13]! + fields[14]!;
    return [{ pid: Number(pid), parent: fields[1]!, name: name!, ms: ticks * TICK_MS }];
  } catch {
    return []; // It has ended meanwhile.
  }
}
