import { type ChildProcess, type ChildProcessByStdio, spawn } from "node:child_process";
import type { Readable } from "node:stream";
import { FleetError } from "@fleet/base";
import type { StopSignals } from "@fleet/provisionersdk";
import type { Launch } from "../isolation/launch.js";
import { createLineSplitter } from "./lines.js";
import type { Warden } from "./warden.js";

/** Maximum output of `capture`. */
const MAX_CAPTURE_BYTES = 64 * 1024 * 1024;

export type CommandOptions = {
  launch: Launch;
  cwd: string;
  env: Readonly<Record<string, string>>;
  stop: StopSignals;
  warden: Warden;
  /** Output in chunks of any size; the receiver must limit what it keeps. */
  onStdout(chunk: Uint8Array): void;
  onStderr(chunk: Uint8Array): void;
};

/**
 * Runs a program in its own process group; resolves with its exit status. A graceful stop interrupts only the program,
 * so that terraform can exit cleanly; a forced one kills the whole group.
 */
export async function runCommand(options: CommandOptions): Promise<number> {
  const { stop } = options;
  if (stop.graceful.aborted) throw new FleetError("canceled", "The job was canceled.");
  const { path, args, uid, tellsPid } = options.launch;
  const child = spawn(path, args, {
    cwd: options.cwd,
    env: options.env,
    stdio: ["ignore", "pipe", "pipe", tellsPid ? "pipe" : "ignore"],
    detached: true,
    ...(uid !== undefined && { uid, gid: uid }),
  }) as ChildProcessByStdio<null, Readable, Readable>;
  const { pid } = child;
  if (pid !== undefined) options.warden.add(pid);
  const inner = tellsPid ? innerPid(child.stdio[3] as Readable) : undefined;
  const interrupt = () => void interruptOne(child, inner);
  const kill = () => {
    try {
      if (pid !== undefined) process.kill(-pid, "SIGKILL");
    } catch {
      // The group has already exited.
    }
  };
  stop.graceful.addEventListener("abort", interrupt, { once: true });
  stop.forced.addEventListener("abort", kill, { once: true });
  if (stop.forced.aborted) kill();
  try {
    const ended = new Promise<number>((resolve, reject) => {
      child.once("error", (cause) =>
        reject(new FleetError("failed_precondition", `Could not start ${path}.`, { cause })),
      );
      // Not "close", because a process that terraform left behind may keep its output open.
      child.once("exit", (code) => resolve(code ?? -1));
    });
    const read = Promise.all([
      readAll(child.stdout, options.onStdout),
      readAll(child.stderr, options.onStderr),
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

/** Interrupts the command itself, which may be inside of the program that was started. */
async function interruptOne(
  child: ChildProcess,
  inner: Promise<number | undefined> | undefined,
): Promise<void> {
  const pid = await inner;
  try {
    if (pid === undefined) child.kill("SIGINT");
    else process.kill(pid, "SIGINT");
  } catch {
    // It has already exited.
  }
}

/** The process ID that bubblewrap tells. Undefined if it ends without. Reads on, because closing would kill it. */
function innerPid(told: Readable): Promise<number | undefined> {
  let text = "";
  return new Promise((resolve) => {
    told.on("data", (chunk: Buffer) => {
      if (text.length < MAX_TOLD_CHARS) text += chunk;
      const match = /"child-pid":\s*(\d+)/.exec(text);
      if (match) resolve(Number(match[1]));
    });
    told.on("error", () => {});
    told.once("close", () => resolve(undefined));
  });
}

/** Longest message about a process ID. */
const MAX_TOLD_CHARS = 4_096;

/** How long to keep reading output after the program has exited. */
const OUTPUT_GRACE_MS = 1_000;

async function readAll(stream: Readable, use: (chunk: Uint8Array) => void): Promise<void> {
  try {
    for await (const chunk of stream) use(chunk as Buffer);
  } catch {
    // The stream was destroyed.
  }
}

/** Number of stderr lines quoted in an error. */
const MAX_WORDS = 50;

/** Runs a program and returns its standard output; rejects with the end of its stderr if it fails. */
export async function capture(
  options: Omit<CommandOptions, "onStdout" | "onStderr">,
  what: string,
): Promise<string> {
  const chunks: Uint8Array[] = [];
  const words: string[] = [];
  let size = 0;
  const errors = createLineSplitter((line) => void (words.length < MAX_WORDS && words.push(line)));
  const status = await runCommand({
    ...options,
    onStdout(chunk) {
      size += chunk.length;
      if (size <= MAX_CAPTURE_BYTES) chunks.push(chunk);
      else chunks.length = 0;
    },
    onStderr: errors.push,
  });
  errors.end();
  if (size > MAX_CAPTURE_BYTES) {
    const limit = MAX_CAPTURE_BYTES / 1024 / 1024;
    throw new FleetError(
      "failed_precondition",
      `${what}: the output is ${Math.ceil(size / 1024 / 1024)} MiB, above the limit of ${limit} MiB. Shorten large values, or keep them outside of Terraform.`,
    );
  }
  if (status !== 0) {
    throw new FleetError(
      "failed_precondition",
      `${what}: ${words.join(" ").trim() || `exit status ${status}`}`,
    );
  }
  return Buffer.concat(chunks).toString("utf8");
}
