import { type ChildProcessByStdio, spawn } from "node:child_process";
import { constants } from "node:os";
import type { Readable } from "node:stream";
import type { Clock } from "@fleet/base";
import type { Command } from "../shell/command.js";
import { killGroup } from "../shell/kill.js";
import { spawnProblem } from "../shell/problem.js";
import type { ScriptStatus } from "../uplink/reports.js";

/** Time between SIGTERM and SIGKILL to the process group, in milliseconds. */
const KILL_GRACE_MS = 5_000;
/** How long to wait for a script's children that keep its output open after it exits, in milliseconds. */
const PIPE_GRACE_MS = 10_000;

export type RunOptions = Command & {
  cwd: string;
  env: Record<string, string>;
  /** 0 for no timeout. */
  timeoutMs: number;
  clock: Clock;
  signal?: AbortSignal;
  /** Receives output. While the returned promise is pending, further output waits. */
  onStdout(chunk: Buffer): Promise<unknown> | undefined;
  onStderr(chunk: Buffer): Promise<unknown> | undefined;
  pipeGraceMs?: number;
};

export type RunResult = {
  /** 128 + signal number if killed by a signal; 127 if it failed to start. */
  exitCode: number;
  status: ScriptStatus;
  /** Why it failed to start. */
  error?: string;
};

/**
 * Runs a program in its own process group. After the timeout the whole group is killed, including children. After the
 * program exits, children that keep its output open get some time (`pipes_left_open`) and are then left running: their
 * output is still read, so that they do not get SIGPIPE.
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
      // Children do not outlive a timeout.
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
