import { existsSync } from "node:fs";
import { isSea } from "node:sea";

/**
 * PID 1 inherits every orphan and has to wait for it, which Node cannot. A shell can: it becomes PID 1, runs the agent,
 * hands on the signals that ask to stop, and ends as the agent does.
 */
const REAPER = `
"$@" &
child=$!
trap 'kill -TERM "$child"' TERM INT HUP
while kill -0 "$child" 2>/dev/null; do wait "$child"; code=$?; done
exit "$code"`;

/** Puts a reaper in this process's place where it is PID 1. Returns when there is nothing to do; otherwise never. */
export function becomeReaper(env: NodeJS.ProcessEnv): void {
  if (process.pid !== 1 || process.platform === "win32" || !existsSync("/bin/sh")) return;
  // In a single executable, argv[1] is no script but the executable again.
  const argv = process.argv.slice(isSea() ? 2 : 1);
  const args = ["sh", "-c", REAPER, "coder", process.execPath, ...argv];
  process.execve!("/bin/sh", args, { ...env, CODER_AGENT_NO_REAP: "true" } as Record<string, string>);
}
