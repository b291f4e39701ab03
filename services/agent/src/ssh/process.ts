import { type ChildProcess, spawn } from "node:child_process";
import { constants } from "node:os";
import { errorMessage, FleetError } from "@fleet/base";
import type { ServerChannel } from "ssh2";
import type { Terminal } from "../pty/terminal.js";
import type { Command } from "../shell/command.js";
import { killGroup } from "../shell/kill.js";
import { spawnProblem } from "../shell/problem.js";
import { flushed, mendStalls } from "./channel.js";

/** Exit code for failures of the agent instead of the command. */
export const AGENT_ERROR_EXIT_CODE = 229;
/** Signals with names in SSH (RFC 4254, section 6.10), including USR1 and USR2. */
const NAMED_SIGNALS = new Set(
  "ABRT ALRM FPE HUP ILL INT KILL PIPE QUIT SEGV TERM USR1 USR2".split(" ").map((name) => `SIG${name}`),
);

/** Event of a channel: the exit code of its program. */
export const EXITED = Symbol("exited");

/** A process that runs on a session's channel. */
export type Running = {
  signal(name: NodeJS.Signals): void;
  /** Called when the client has disconnected or closed the channel. May be called twice. */
  leave(): void;
  /** Resolves when it has exited. */
  ended: Promise<void>;
};

const NOTHING: Running = { signal() {}, leave() {}, ended: Promise.resolve() };

/** Reports to the client that the session failed, on stderr and with exit code 229. */
export function failSession(channel: ServerChannel, error: unknown, code = AGENT_ERROR_EXIT_CODE): Running {
  channel.stderr.write(`${errorMessage(error)}\n`);
  void finish(channel, code);
  return NOTHING;
}

/**
 * Runs a command without a terminal, with three pipes, and sends its exit code or signal. As with sshd, the command is
 * not killed when the client disconnects: its input ends, and writing to its output fails.
 */
export function runPiped(
  channel: ServerChannel,
  { file, args, cwd, env }: Command & { cwd: string; env: Record<string, string> },
): Running {
  mendStalls(channel);
  channel.on("error", () => {});
  const fail = (error: unknown) =>
    failSession(channel, new FleetError("unavailable", spawnProblem(error, { file, cwd })));
  let child: ChildProcess;
  try {
    child = spawn(file, args, { cwd, env, detached: process.platform !== "win32", stdio: "pipe" });
  } catch (error) {
    return fail(error);
  }
  const { stdin, stdout, stderr } = child as {
    [name in "stdin" | "stdout" | "stderr"]: NonNullable<ChildProcess[name]>;
  };
  child.once("error", fail);
  stdin.on("error", () => {}); // It may close its input.
  channel.pipe(stdin);
  stdout.pipe(channel, { end: false });
  stderr.pipe(channel.stderr as unknown as NodeJS.WritableStream, { end: false });
  const ended = new Promise<void>((resolve) => {
    child.once("close", (code, killer) => {
      resolve();
      if (child.pid === undefined) return; // Reported by "error".
      void finish(channel, killer ?? code ?? 0);
    });
  });
  return {
    ended,
    signal(name) {
      if (child.exitCode === null && child.signalCode === null) killGroup(child.pid, name);
    },
    leave() {
      // Input received before the end is still delivered; the channel's window limits it.
      channel.unpipe(stdin);
      for (let rest = channel.read(); rest !== null; rest = channel.read()) stdin.write(rest);
      stdin.end();
      stdout.destroy();
      stderr.destroy();
    },
  };
}

/** Runs a terminal on the channel. It hangs up when the client disconnects. */
export function runTerminal(channel: ServerChannel, terminal: Terminal): Running {
  mendStalls(channel);
  channel.on("error", () => {});
  channel.pipe(terminal.io, { end: false });
  terminal.io.pipe(channel, { end: false });
  let over = false;
  const ended = terminal.exited.then(({ code, signal }) => {
    over = true;
    void finish(channel, signal ? signalName(signal) : code);
  });
  return {
    ended,
    signal: (name) => terminal.kill(name),
    leave() {
      if (!over) terminal.kill("SIGHUP");
      terminal.io.unpipe(channel);
      terminal.io.resume();
    },
  };
}

/**
 * Discards further input, without which ssh2 never reports the close; then sends remaining output, the exit code or
 * signal, and the end.
 */
async function finish(channel: ServerChannel, outcome: number | NodeJS.Signals): Promise<void> {
  channel.unpipe();
  channel.resume();
  await flushed(channel);
  // As a shell reports it.
  const code = typeof outcome === "number" ? outcome : 128 + constants.signals[outcome];
  if (typeof outcome === "string" && NAMED_SIGNALS.has(outcome))
    channel.exit(outcome.slice("SIG".length), false, "");
  else channel.exit(code);
  channel.emit(EXITED, code);
  channel.end();
}

function signalName(number: number): NodeJS.Signals {
  const found = Object.entries(constants.signals).find(([, value]) => value === number);
  return (found?.[0] ?? "SIGKILL") as NodeJS.Signals;
}
