import { type ChildProcess, spawn } from "node:child_process";
import { constants } from "node:os";
import { errorMessage, FleetError } from "@fleet/base";
import type { ServerChannel } from "ssh2";
import type { Terminal } from "../pty/terminal.js";
import type { Command } from "../shell/command.js";
import { killGroup } from "../shell/kill.js";
import { spawnProblem } from "../shell/problem.js";
import { flushed, mendStalls } from "./channel.js";

/** The exit code that tells a client that the agent, not the command, has failed. */
export const AGENT_ERROR_EXIT_CODE = 229;
/** The signals that SSH has names for (RFC 4254, section 6.10), and USR1 and USR2 of its first sentence. */
const NAMED_SIGNALS = new Set(
  "ABRT ALRM FPE HUP ILL INT KILL PIPE QUIT SEGV TERM USR1 USR2".split(" ").map((name) => `SIG${name}`),
);

/** What runs on a session's channel. */
export type Running = {
  signal(name: NodeJS.Signals): void;
  /** The client has gone, or has closed the channel: nobody reads any more, and nothing comes. Harmless twice. */
  leave(): void;
  /** Resolves once it has ended. */
  ended: Promise<void>;
};

const NOTHING: Running = { signal() {}, leave() {}, ended: Promise.resolve() };

/** Tells the client that the session could not be had, on stderr and by the exit code 229. */
export function failSession(channel: ServerChannel, error: unknown, code = AGENT_ERROR_EXIT_CODE): Running {
  channel.stderr.write(`${errorMessage(error)}\n`);
  void finish(channel, code);
  return NOTHING;
}

/**
 * Runs a command without a terminal: three pipes, and its end with its exit code or signal. As under sshd, it is not
 * ended with its client: it reads the end of its input, and writing to its output fails.
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
  stdin.on("error", () => {}); // It closed its input, which is its right.
  channel.pipe(stdin);
  stdout.pipe(channel, { end: false });
  stderr.pipe(channel.stderr as unknown as NodeJS.WritableStream, { end: false });
  const ended = new Promise<void>((resolve) => {
    child.once("close", (code, killer) => {
      resolve();
      if (child.pid === undefined) return; // Told by "error".
      void finish(channel, killer ?? code ?? 0);
    });
  });
  return {
    ended,
    signal(name) {
      if (child.exitCode === null && child.signalCode === null) killGroup(child.pid, name);
    },
    leave() {
      // What came before the end still reaches it; the channel's window bounds it.
      channel.unpipe(stdin);
      for (let rest = channel.read(); rest !== null; rest = channel.read()) stdin.write(rest);
      stdin.end();
      stdout.destroy();
      stderr.destroy();
    },
  };
}

/** Puts a terminal on the channel. It hangs up when the client goes. */
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

/** Drops what the client still sends, without which ssh2 never tells of the close; sends what is left, then the exit code or signal, then the end. */
async function finish(channel: ServerChannel, outcome: number | NodeJS.Signals): Promise<void> {
  channel.unpipe();
  channel.resume();
  await flushed(channel);
  if (typeof outcome === "number") channel.exit(outcome);
  else if (NAMED_SIGNALS.has(outcome)) channel.exit(outcome.slice("SIG".length), false, "");
  // As a shell tells it.
  else channel.exit(128 + constants.signals[outcome]);
  channel.end();
}

function signalName(number: number): NodeJS.Signals {
  const found = Object.entries(constants.signals).find(([, value]) => value === number);
  return (found?.[0] ?? "SIGKILL") as NodeJS.Signals;
}
