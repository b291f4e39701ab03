import { readdirSync, readFileSync } from "node:fs";

/** CPU time in milliseconds, by consumer. */
export type CpuMs = Record<string, number>;

/** Linux counts CPU time in ticks of this length. */
const TICK_MS = 10;

type Process = { pid: number; parent: number; name: string; ms: number };

/** CPU time used so far by this process and its descendants; `nameOf` maps a process to its consumer. */
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

/** `after` minus `before`, per job. */
export function perJob(before: CpuMs, after: CpuMs, jobs: number): CpuMs {
  return Object.fromEntries(
    Object.entries(after).map(([name, ms]) => [name, (ms - (before[name] ?? 0)) / jobs]),
  );
}

function read(pid: string): Process[] {
  try {
    const [, name, rest] = /\((.*)\) (.*)/s.exec(readFileSync(`/proc/${pid}/stat`, "latin1"))!;
    // proc(5): the state, the parent, …; user and system time are fields 14 and 15, followed by those of dead children.
    const fields = rest!.split(" ").map(Number);
    const ticks = fields[11]! + fields[12]! + fields[13]! + fields[14]!;
    return [{ pid: Number(pid), parent: fields[1]!, name: name!, ms: ticks * TICK_MS }];
  } catch {
    return []; // It has exited in the meantime.
  }
}
