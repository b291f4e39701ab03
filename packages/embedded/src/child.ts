import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { FleetError } from "@fleet/base";
import { publicEnvironment } from "@fleet/base/private-environment";

/** The user that a child process runs as, if not this process's user. */
export type ProcessUser = { uid: number; gid: number };

export type ChildExit = { code: number | null; signal: NodeJS.Signals | null };

export type ServerChild = {
  readonly pid: number;
  /** Settles when the process is gone; never rejects. */
  readonly exited: Promise<ChildExit>;
  /** Sends the signals one after another, waiting `graceMs` after each, until the process is gone. */
  stop(signals: readonly NodeJS.Signals[], graceMs: number): Promise<void>;
};

export type ServerChildOptions = {
  command: string;
  args: readonly string[];
  user?: ProcessUser;
  /** By default, this process's environment without its private variables. */
  env?: NodeJS.ProcessEnv;
  /** By default the root folder, which keeps no file system busy. */
  cwd?: string;
  /** Written to the child's standard input, which is then closed. For values that must not show up in `ps`. */
  stdin?: string;
  /** The signal that the kernel sends the child when this process dies, however it dies. */
  deathSignal: "INT" | "TERM";
  /** Called for each line of the child's output. */
  onLine(line: string): void;
};

const SETPRIV = ["/usr/bin/setpriv", "/bin/setpriv"].find((path) => existsSync(path));

/**
 * Starts a server that must not outlive this process. `setpriv` (util-linux) arms the kernel's parent-death signal and
 * then becomes the server, so no watchdog process is left between the two. Without setpriv, a child survives only
 * a SIGKILL of this process; the next start finds it by its pid file.
 */
export function spawnServer(options: ServerChildOptions): ServerChild {
  const [command, args] = SETPRIV
    ? [SETPRIV, ["--pdeathsig", options.deathSignal, "--", options.command, ...options.args]]
    : [options.command, [...options.args]];
  // Its own process group: Ctrl-C at the terminal reaches only this process, which decides the order of stopping.
  const { user, env = publicEnvironment(), cwd = "/" } = options;
  const child = spawn(command, args, { ...user, env, cwd, detached: true, stdio: "pipe" });
  child.stdin.on("error", () => {});
  child.stdin.end(options.stdin ?? "");
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on("line", options.onLine);
  }
  const exited = new Promise<ChildExit>((resolve) => {
    child.once("error", () => resolve({ code: null, signal: null }));
    child.once("close", (code, signal) => resolve({ code, signal }));
  });
  return { pid: child.pid ?? -1, exited, stop: (signals, graceMs) => stop(child, exited, signals, graceMs) };
}

async function stop(
  child: ChildProcess,
  exited: Promise<ChildExit>,
  signals: readonly NodeJS.Signals[],
  graceMs: number,
): Promise<void> {
  for (const signal of signals) {
    child.kill(signal);
    if (await settlesWithin(exited, graceMs)) return;
  }
  throw new FleetError("deadline_exceeded", `Process ${child.pid} did not stop. Kill it manually.`);
}

async function settlesWithin(promise: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), ms);
  });
  const settled = await Promise.race([promise.then(() => true), late]);
  clearTimeout(timer);
  return settled;
}

/**
 * Resolves once `isReady` matches a line passed to the returned `feed`; rejects if the child exits first (with
 * its last lines) or after `timeoutMs`.
 */
export function createReadiness(what: string, isReady: (line: string) => boolean) {
  const LAST_LINES = 15;
  const lines: string[] = [];
  let markReady: () => void = () => {};
  const seen = new Promise<true>((resolve) => {
    markReady = () => resolve(true);
  });
  return {
    feed(line: string) {
      lines.push(line);
      if (lines.length > LAST_LINES) lines.shift();
      if (isReady(line)) markReady();
    },
    async wait(child: ServerChild, timeoutMs: number): Promise<void> {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<"late">((resolve) => {
        timer = setTimeout(() => resolve("late"), timeoutMs);
      });
      const outcome = await Promise.race([seen, child.exited, late]);
      clearTimeout(timer);
      if (outcome === true) return;
      if (outcome === "late") await child.stop(["SIGKILL"], 5000);
      const how =
        outcome === "late" ? `was not ready within ${timeoutMs / 1000} s` : "stopped while starting";
      throw new FleetError("unavailable", `${what} ${how}. Last output:`, {
        detail: lines.join("\n"),
      });
    },
  };
}
