import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { FleetError } from "@fleet/base";
import type { StopSignals } from "@fleet/provisionersdk";
import type { Warden } from "./warden.js";

/** A line of output beyond this is cut, so that a program that never ends its line cannot fill the memory. */
const MAX_LINE_BYTES = 1024 * 1024;
/** What `capture` may hold. */
const MAX_CAPTURE_BYTES = 64 * 1024 * 1024;

export type CommandOptions = {
  path: string;
  args: readonly string[];
  cwd: string;
  env: Readonly<Record<string, string>>;
  stop: StopSignals;
  warden: Warden;
  onStdout(line: string): void;
  onStderr(line: string): void;
};

/**
 * Runs a program in a process group of its own; resolves with its exit status. A graceful stop interrupts the program
 * itself, so that terraform can end its work in order; a forced one kills the whole group.
 */
export async function runCommand(options: CommandOptions): Promise<number> {
  const { stop } = options;
  if (stop.graceful.aborted) throw new FleetError("canceled", "The job was canceled.");
  const child = spawn(options.path, options.args, {
    cwd: options.cwd,
    env: options.env,
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  const { pid } = child;
  if (pid !== undefined) options.warden.add(pid);
  const interrupt = () => child.kill("SIGINT");
  const kill = () => {
    try {
      if (pid !== undefined) process.kill(-pid, "SIGKILL");
    } catch {
      // The group has ended by itself.
    }
  };
  stop.graceful.addEventListener("abort", interrupt, { once: true });
  stop.forced.addEventListener("abort", kill, { once: true });
  if (stop.forced.aborted) kill();
  try {
    const ended = new Promise<number>((resolve, reject) => {
      child.once("error", (cause) =>
        reject(new FleetError("failed_precondition", `${options.path} could not be started.`, { cause })),
      );
      // Not "close": a process that terraform left behind may hold its output open for ever.
      child.once("exit", (code) => resolve(code ?? -1));
    });
    const read = Promise.all([
      eachLine(child.stdout, options.onStdout),
      eachLine(child.stderr, options.onStderr),
    ]);
    const status = await ended;
    await Promise.race([read, new Promise((resolve) => setTimeout(resolve, OUTPUT_GRACE_MS).unref())]);
    return status;
  } finally {
    stop.graceful.removeEventListener("abort", interrupt);
    stop.forced.removeEventListener("abort", kill);
    child.stdout.destroy();
    child.stderr.destroy();
    if (pid !== undefined) options.warden.remove(pid);
  }
}

/** How long output is still read after the program itself has ended. */
const OUTPUT_GRACE_MS = 1_000;

async function eachLine(stream: Readable, use: (line: string) => void): Promise<void> {
  try {
    for await (const line of createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY })) {
      if (line !== "") use(line.length > MAX_LINE_BYTES ? line.slice(0, MAX_LINE_BYTES) : line);
    }
  } catch {
    // The stream was given up.
  }
}

/** Runs a program for its standard output; rejects with its last words when it fails. */
export async function capture(
  options: Omit<CommandOptions, "onStdout" | "onStderr">,
  what: string,
): Promise<string> {
  const lines: string[] = [];
  const errors: string[] = [];
  let size = 0;
  const status = await runCommand({
    ...options,
    onStdout(line) {
      size += line.length;
      if (size <= MAX_CAPTURE_BYTES) lines.push(line);
    },
    onStderr: (line) => void (errors.length < 50 && errors.push(line)),
  });
  if (size > MAX_CAPTURE_BYTES) throw new FleetError("too_large", `${what} is larger than can be read.`);
  if (status !== 0) {
    throw new FleetError(
      "failed_precondition",
      `${what} could not be made: ${errors.join(" ").trim() || `status ${status}`}`,
    );
  }
  return lines.join("\n");
}
