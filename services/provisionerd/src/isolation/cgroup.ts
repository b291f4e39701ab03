import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { readFile, rmdir } from "node:fs/promises";
import { join } from "node:path";

const ROOT = "/sys/fs/cgroup";
/** How often the kernel is asked whether a group is empty, and how long at most. */
const REMOVE_ATTEMPTS = 40;
const REMOVE_EVERY_MS = 25;

/** A control group of the kernel that bounds the memory and the number of a job's processes. */
export type ControlGroup = {
  /** Files that a process writes its ID to in order to join. */
  readonly joinFiles: readonly string[];
  /** The limit that a process has run into. */
  exceeded(): Promise<"memory" | "processes" | undefined>;
  /** Kills what is left in it and removes it. */
  remove(): Promise<void>;
};

type Limits = { memoryBytes: number; processes: number };

/** Creates a group below the daemon's own. Undefined if this machine does not let it. */
export function createControlGroup(jobId: string, limits: Limits): ControlGroup | undefined {
  const name = `coder-job-${jobId}`;
  return createUnified(name, limits) ?? createLegacy(name, limits);
}

/** Version 2: one hierarchy. https://docs.kernel.org/admin-guide/cgroup-v2.html */
function createUnified(name: string, { memoryBytes, processes }: Limits): ControlGroup | undefined {
  const own = existsSync(join(ROOT, "cgroup.controllers")) ? ownGroup("") : undefined;
  if (own === undefined) return undefined;
  const folder = join(ROOT, own, name);
  return created([folder], () => {
    writeFileSync(join(folder, "memory.max"), String(memoryBytes));
    writeFileSync(join(folder, "pids.max"), String(processes));
    return groupOf([folder], {
      memory: [join(folder, "memory.events"), /^oom_kill ([1-9]\d*)/m],
      processes: [join(folder, "pids.events"), /^max ([1-9]\d*)/m],
    });
  });
}

/** Version 1: a hierarchy for each controller. https://docs.kernel.org/admin-guide/cgroup-v1/memory.html */
function createLegacy(name: string, { memoryBytes, processes }: Limits): ControlGroup | undefined {
  const owns = ["memory", "pids"].map((controller) => {
    const own = existsSync(join(ROOT, controller, "cgroup.procs")) ? ownGroup(controller) : undefined;
    return own === undefined ? undefined : join(ROOT, controller, own, name);
  });
  const [memory, pids] = owns;
  if (memory === undefined || pids === undefined) return undefined;
  return created([memory, pids], () => {
    writeFileSync(join(memory, "memory.limit_in_bytes"), String(memoryBytes));
    writeFileSync(join(pids, "pids.max"), String(processes));
    return groupOf([memory, pids], {
      memory: [join(memory, "memory.oom_control"), /^oom_kill ([1-9]\d*)/m],
      processes: [join(pids, "pids.events"), /^max ([1-9]\d*)/m],
    });
  });
}

function created(folders: readonly string[], configure: () => ControlGroup): ControlGroup | undefined {
  try {
    for (const folder of folders) mkdirSync(folder);
    return configure();
  } catch {
    for (const folder of folders) {
      try {
        rmdirSync(folder);
      } catch {
        // It was not made.
      }
    }
    return undefined;
  }
}

/** The daemon's own group. `controller` is empty for version 2. */
function ownGroup(controller: string): string | undefined {
  try {
    const lines = readFileSync("/proc/self/cgroup", "utf8").trim().split("\n");
    const rows = lines.map((line) => line.split(":"));
    return rows.find(([, names]) => names === controller || names?.split(",").includes(controller))?.[2];
  } catch {
    return undefined;
  }
}

function groupOf(
  folders: readonly string[],
  signs: Record<"memory" | "processes", readonly [file: string, sign: RegExp]>,
): ControlGroup {
  const shows = async ([file, sign]: readonly [string, RegExp]) =>
    sign.test(await readFile(file, "utf8").catch(() => ""));

  async function removeFolder(folder: string): Promise<void> {
    for (let attempt = 0; attempt < REMOVE_ATTEMPTS; attempt++) {
      const inside = await readFile(join(folder, "cgroup.procs"), "utf8").catch(() => "");
      for (const pid of inside.split("\n").filter(Boolean)) {
        try {
          process.kill(Number(pid), "SIGKILL");
        } catch {
          // It has just ended.
        }
      }
      const gone = await rmdir(folder).then(
        () => true,
        (error: NodeJS.ErrnoException) => error.code === "ENOENT",
      );
      if (gone) return;
      await new Promise((resolve) => setTimeout(resolve, REMOVE_EVERY_MS));
    }
  }

  return {
    joinFiles: folders.map((folder) => join(folder, "cgroup.procs")),
    async exceeded() {
      if (await shows(signs.memory)) return "memory";
      return (await shows(signs.processes)) ? "processes" : undefined;
    },
    async remove() {
      for (const folder of folders) await removeFolder(folder);
    },
  };
}
