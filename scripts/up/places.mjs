import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";

export const ROOT = resolve(import.meta.dirname, "../..");
export const CODER = join(ROOT, "dist/coder.js");

/** The folder for all files: `coder`'s configuration folder, as upstream uses. */
export const CONFIG_DIR = process.env.CODER_CONFIG_DIR ?? join(homedir(), ".config/coderv2");
export const PID_FILE = join(CONFIG_DIR, "server/make-up.pid");
export const LOG_FILE = join(CONFIG_DIR, "server/server.log");
/** Home folders of workspaces of the template `local`. */
export const WORKSPACES_DIR =
  process.env.FLEET_WORKSPACES_DIR ?? join(homedir(), ".local/share/coder/workspaces");

/** The background process of `make up`, if it is still running. */
export function runningPid() {
  if (!existsSync(PID_FILE)) return undefined;
  const [pid, start] = readFileSync(PID_FILE, "utf8").trim().split(" ");
  return startOf(pid) === start ? Number(pid) : undefined;
}

/** When a process started, in ticks since boot (proc(5), stat field 22): identifies a process uniquely with its pid. */
export function startOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    return undefined;
  }
}
