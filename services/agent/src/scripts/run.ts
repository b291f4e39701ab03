import { type ChildProcessByStdio, spawn } from "node:child_process";
import { constants } from "node:os";
import type { Readable } from "node:stream";
import type { Clock } from "@fleet/base";
import type { Command } from "../shell/command.js";
import { killGroup } from "../shell/kill.js";
import { spawnProblem } from "../shell/problem.js";
import type { ScriptStatus } from "../uplink/reports.js";

/** Between asking a group of processes to end and ending it, in milliseconds. */
const KILL_GRACE_MS = 5_000;
/** How long a script's own children may keep its output open after its end, in milliseconds. */
const PIPE_GRACE_MS = 10_000;

export type RunOptions = Command & {
  cwd: string;
  env: Record<string, string>;
  /** 0: as long as it takes. */
  timeoutMs: number;
  clock: Clock;
  signal?: AbortSignal;
  /** Takes output. While what it returns is pending, the program's further output waits. */
  onStdout(chunk: Buffer): Promise<unknown> | undefined;
  onStderr(chunk: Buffer): Promise<unknown> | undefined;
  pipeGraceMs?: number;
};

export type RunResult = {
  /** 128 + number when it was ended by a signal; 127 when it could not be started. */
  exitCode: number;
  status: ScriptStatus;
  /** Why it could not be started. */
  error?: string;
};

/**
 * Runs a program in a process group of its own. After the timeout the group is ended, children included. Once the
 * program has ended, children that hold its output open are waited for a while (`pipes_left_open`), and then left
 * running: what they write is still taken, so that they do not die of a closed pipe.
 */
export function runScript(options: RunOptions): Promise<RunResult> {
  const { file, args, cwd, env, timeoutMs, clock, signal, pipeGraceMs = PIPE_GRACE_MS } = options;
  return new Promise((resolve) => {
    let child: ChildProcessByStdio<null, Readable, Readable>;
    try {
      child = spawn(file, args, {
        cwd,
        env,
        detached: process.platform !== "win32",
        stdio: ["ignore", "pipe", "pipe"],
      });
    } catch (error) {
      const problem = spawnProblem(error, { file, cwd });
      return resolve({ exitCode: 127, status: "exit_failure", error: problem });
    }
    let timedOut = false;
    const kill = () => {
      killGroup(child.pid, "SIGTERM");
      killing = clock.after(KILL_GRACE_MS, () => killGroup(child.pid, "SIGKILL"));
    };
    let killing: { cancel(): void } | undefined;
    const timeout =
      timeoutMs > 0
        ? clock.after(timeoutMs, () => {
            timedOut = true;
            kill();
          })
        : undefined;
    signal?.addEventListener("abort", kill, { once: true });
    const settle = (result: RunResult) => {
      timeout?.cancel();
      signal?.removeEventListener("abort", kill);
      resolve(result);
    };

    take(child.stdout, options.onStdout);
    take(child.stderr, options.onStderr);
    child.on("error", (error) =>
      settle({ exitCode: 127, status: "exit_failure", error: spawnProblem(error, { file, cwd }) }),
    );
    child.on("exit", (code, killer) => {
      // Its children, if any, do not outlive a timeout.
      if (timedOut) killGroup(child.pid, "SIGKILL");
      killing?.cancel();
      timeout?.cancel();
      const exitCode = code ?? 128 + (killer ? constants.signals[killer] : 0);
      const status: ScriptStatus = timedOut ? "timed_out" : exitCode === 0 ? "ok" : "exit_failure";
      const grace = clock.after(pipeGraceMs, () => {
        settle({ exitCode, status: status === "ok" ? "pipes_left_open" : status });
      });
      child.on("close", () => {
        grace.cancel();
        settle({ exitCode, status });
      });
    });
  });
}

function take(output: Readable, sink: (chunk: Buffer) => Promise<unknown> | undefined): void {
  output.on("error", () => {});
  output.on("data", (chunk: Buffer) => {
    const busy = sink(chunk);
    if (!busy) return;
    output.pause();
    const resume = () => void output.resume();
    busy.then(resume, resume);
  });
}
