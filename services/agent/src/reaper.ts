import { existsSync } from "node:fs";
import { isSea } from "node:sea";

/**
 * PID 1 must reap orphaned processes, which Node cannot do. A shell can: it becomes PID 1, runs the agent, forwards
 * termination signals, and exits with the agent's status.
 */
const REAPER = `
"$@" &
child=$!
trap 'kill -TERM "$child"' TERM INT HUP
while kill -0 "$child" 2>/dev/null; do wait "$child"; code=$?; done
exit "$code"`;

/** Replaces this process with a reaper if it is PID 1. Returns if there is nothing to do; otherwise never. */
export function becomeReaper(env: NodeJS.ProcessEnv): void {
  if (process.pid !== 1 || process.platform === "win32" || !existsSync("/bin/sh")) return;
  // In a single executable, argv[1] is the executable instead of a script.
  const argv = process.argv.slice(isSea() ? 2 : 1);
  const args = ["sh", "-c", REAPER, "coder", process.execPath, ...argv];
  process.execve!("/bin/sh", args, { ...env, CODER_AGENT_NO_REAP: "true" } as Record<string, string>);
}
