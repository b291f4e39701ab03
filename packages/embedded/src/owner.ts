import { readFileSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import { FleetError } from "@fleet/base";

/** When a process started, in clock ticks since boot: unique together with the pid. Linux: proc(5), stat field 22. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    return undefined;
  }
}

/**
 * Claims a server's folder for this process with a file that names it. Takes over the claim of a process that is
 * gone. Throws `conflict` if a running process holds it.
 */
export async function claimFolder(file: string, folder: string): Promise<() => Promise<void>> {
  const [pid, start] = (await readFile(file, "utf8").catch(() => "")).trim().split(" ");
  if (pid && start && startOf(Number(pid)) === start) {
    throw new FleetError(
      "conflict",
      `The directory ${folder} is in use by process ${pid}. Stop that process, or choose another directory with CODER_CONFIG_DIR.`,
    );
  }
  await writeFile(file, `${process.pid} ${startOf(process.pid)}\n`, { mode: 0o600 });
  return () => rm(file, { force: true });
}
