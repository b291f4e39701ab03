import { readdir, readFile, stat } from "node:fs/promises";

/** CPU usage of the workspace's processes. */
export type CpuMeter = {
  /**
   * Average since the last call, in percent of one core. Undefined for the first call, and on systems other than Linux.
   */
  read(): Promise<number | undefined>;
};

/** Maximum number of processes that are read. */
const PROCESS_LIMIT = 4_000;
/** USER_HZ of /proc/<pid>/stat: 100 on every Linux architecture that Node runs on. */
const TICK_MS = 10;
/** Processes that are read at once. */
const BATCH = 64;

type Process = { parent: number; startedTicks: number; ticks: number; uid: number };

/**
 * Measures the processes of the agent's user, and all that the agent has started, but not the agent itself: what it does on
 * its own does not count as work. A process includes the children that it has waited for, so that a build of many short
 * compilations is seen.
 */
export function createCpuMeter({
  proc = "/proc",
  self = process.pid,
  uid = process.getuid?.() ?? 0,
  nowMs,
}: {
  proc?: string;
  self?: number;
  uid?: number;
  nowMs(): number;
}): CpuMeter {
  let before: { atMs: number; ticks: Map<string, number> } | undefined;
  return {
    async read() {
      const atMs = nowMs();
      const processes = await processesOf(proc);
      if (processes.size === 0) return undefined;
      const ticks = new Map<string, number>();
      let used = 0;
      for (const [pid, found] of processes) {
        if (pid === self || !(found.uid === uid || descendsFrom(processes, found, self))) continue;
        // A process id may be used again.
        const key = `${pid} ${found.startedTicks}`;
        ticks.set(key, found.ticks);
        used += Math.max(0, found.ticks - (before?.ticks.get(key) ?? 0));
      }
      const last = before;
      before = { atMs, ticks };
      if (!last || atMs <= last.atMs) return undefined;
      return ((used * TICK_MS) / (atMs - last.atMs)) * 100;
    },
  };
}

function descendsFrom(processes: ReadonlyMap<number, Process>, process: Process, ancestor: number): boolean {
  let { parent } = process;
  // Processes are read one after another: a circle is possible.
  for (let steps = 0; steps < PROCESS_LIMIT && parent > 0; steps++) {
    if (parent === ancestor) return true;
    parent = processes.get(parent)?.parent ?? 0;
  }
  return false;
}

async function processesOf(proc: string): Promise<Map<number, Process>> {
  const names = await readdir(proc).catch(() => []);
  const pids = names.filter((name) => /^\d+$/.test(name)).slice(0, PROCESS_LIMIT);
  const found = new Map<number, Process>();
  for (let at = 0; at < pids.length; at += BATCH) {
    const batch = pids.slice(at, at + BATCH);
    await Promise.all(
      batch.map(async (pid) => {
        const process = await read(`${proc}/${pid}`).catch(() => undefined);
        if (process) found.set(Number(pid), process);
      }),
    );
  }
  return found;
}

/** See proc_pid_stat(5). The second field, the name, may hold spaces and parentheses. */
async function read(folder: string): Promise<Process> {
  const [text, { uid }] = await Promise.all([readFile(`${folder}/stat`, "latin1"), stat(folder)]);
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  /** By its number in the manual page. */
  const field = (number: number) => Number(fields[number - 3]) || 0;
  const ticks = field(14) + field(15) + field(16) + field(17);
  return { parent: field(4), startedTicks: field(22), ticks, uid };
}
