import { existsSync } from "node:fs";
import { basename } from "node:path";
import { type Clock, FleetError } from "@fleet/base";
import { spawnServer } from "@fleet/embedded";
import { type Running, waitUntilReady } from "./supervise.js";

const READY_TIMEOUT_MS = 120_000;
const LAST_WORDS = 20;

/** One service of the fleet as a child process. */
export type Service = {
  name: string;
  /** Path of its bundle. */
  program: string;
  env: Record<string, string | undefined>;
  /** Returns 200 once the service is ready. */
  readyUrl: string;
  /** How long it may take to shut down gracefully. */
  graceMs: number;
};

/** Starts the service; resolves when it is ready. Stops it if startup fails. */
export async function startService(
  service: Service,
  options: {
    clock: Clock;
    /** Cancels the start. */
    signal: AbortSignal;
    /** Aborts to stop without waiting. */
    atOnce: AbortSignal;
    onLine(name: string, line: string): void;
  },
): Promise<Running> {
  const { name, program } = service;
  if (!existsSync(program)) {
    throw new FleetError(
      "failed_precondition",
      `${basename(program)} was not found next to this program. Run the server from its release directory or its image.`,
    );
  }
  const words: string[] = [];
  const child = spawnServer({
    command: process.execPath,
    // Operators cannot act on warnings about library code.
    args: ["--disable-warning=DeprecationWarning", program],
    env: service.env,
    // Paths in the settings are relative to the operator's working directory.
    cwd: process.cwd(),
    deathSignal: "TERM",
    onLine(line) {
      words.push(line);
      if (words.length > LAST_WORDS) words.shift();
      options.onLine(name, line);
    },
  });
  try {
    await waitUntilReady({
      name,
      url: service.readyUrl,
      exited: child.exited,
      lastWords: () => words.join("\n"),
      timeoutMs: READY_TIMEOUT_MS,
      clock: options.clock,
      signal: options.signal,
    });
  } catch (error) {
    await child.stop(["SIGTERM", "SIGKILL"], 5000).catch(() => {});
    throw error;
  }
  const hurry = () => interrupt(child.pid);
  options.atOnce.addEventListener("abort", hurry, { once: true });
  void child.exited.then(() => options.atOnce.removeEventListener("abort", hurry));
  return { exited: child.exited, stop: () => child.stop(["SIGTERM", "SIGINT", "SIGKILL"], service.graceMs) };
}

/** SIGINT makes a stopping service exit immediately. */
function interrupt(pid: number): void {
  try {
    process.kill(pid, "SIGINT");
  } catch {}
}
