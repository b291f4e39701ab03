import { type ChildProcess, spawn } from "node:child_process";
import { constants } from "node:os";
import { errorMessage } from "@fleet/base";
import type { ServerChannel } from "ssh2";
import type { Terminal } from "../pty/terminal.js";
import type { Command } from "../shell/command.js";
import { killGroup } from "../shell/kill.js";
import { flushed, mendStalls } from "./channel.js";

/** The exit code that tells a client that the agent, not the command, has failed. */
export const AGENT_ERROR_EXIT_CODE = 229;

/** What runs on a session's channel. */
export type Running = {
  signal(name: NodeJS.Signals): void;
};

/** Tells the client that the session could not be had, on stderr and by the exit code 229. */
export function failSession(channel: ServerChannel, error: unknown, code = AGENT_ERROR_EXIT_CODE): void {
  channel.stderr.write(`${errorMessage(error)}\n`);
  void finish(channel, code);
}

/** Runs a command without a terminal: three pipes, and its end with its exit code or signal. */
export function runPiped(
  channel: ServerChannel,
  { file, args, cwd, env }: Command & { cwd: string; env: Record<string, string> },
): Running {
  mendStalls(channel);
  let child: ChildProcess;
  try {
    child = spawn(file, args, { cwd, env, detached: process.platform !== "win32", stdio: "pipe" });
  } catch (error) {
    failSession(channel, error);
    return { signal() {} };
  }
  const signal = (name: NodeJS.Signals) => {
    if (child.exitCode === null && child.signalCode === null) killGroup(child.pid, name);
  };
  child.once("error", (error) => failSession(channel, error));
  child.stdin!.on("error", () => {}); // It closed its input, which is its right.
  channel.pipe(child.stdin!);
  child.stdout!.pipe(channel, { end: false });
  child.stderr!.pipe(channel.stderr as unknown as NodeJS.WritableStream, { end: false });
  child.once("close", (code, killer) => {
    if (child.pid === undefined) return; // Told by "error".
    void finish(channel, killer ?? code ?? 0);
  });
  channel.once("close", () => {
    signal("SIGHUP");
    // Nobody reads any more: what the command leaves behind must not wait for us.
    child.stdout!.resume();
    child.stderr!.resume();
  });
  channel.on("error", () => {});
  return { signal };
}

/** Puts a terminal on the channel. */
export function runTerminal(channel: ServerChannel, terminal: Terminal): Running {
  mendStalls(channel);
  channel.pipe(terminal.io, { end: false });
  terminal.io.pipe(channel, { end: false });
  void terminal.exited.then(({ code, signal }) => finish(channel, signal ? signalName(signal) : code));
  channel.once("close", () => {
    terminal.kill("SIGHUP");
    terminal.io.resume();
  });
  channel.on("error", () => {});
  return { signal: (name) => terminal.kill(name) };
}

/** Drops what the client still sends, without which ssh2 never tells of the close; sends what is left, then the exit code or signal, then the end. */
async function finish(channel: ServerChannel, outcome: number | NodeJS.Signals): Promise<void> {
  channel.unpipe();
  channel.resume();
  await flushed(channel);
  if (typeof outcome === "number") channel.exit(outcome);
  else channel.exit(outcome.slice("SIG".length), false, "");
  channel.end();
}

function signalName(number: number): NodeJS.Signals {
  const found = Object.entries(constants.signals).find(([, value]) => value === number);
  return (found?.[0] ?? "SIGKILL") as NodeJS.Signals;
}
