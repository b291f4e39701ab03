import { type Clock, errorMessage, type Timer } from "@fleet/base";
import type { MetadataDescription } from "@fleet/proto-gen/agent";
import { runScript } from "../scripts/run.js";
import type { ScriptFile } from "../shell/script-file.js";
import type { Reports } from "../uplink/reports.js";

/** Values and errors are truncated to this size, in bytes. */
const MAX_BYTES = 2 * 1024;
/** Default timeout of an item without timeout and interval, in milliseconds. */
const DEFAULT_TIMEOUT_MS = 5_000;

export type MetadataOptions = {
  items: readonly MetadataDescription[];
  /** Writes a script to a file. Throws if it cannot be written. */
  scriptFile(script: string): ScriptFile;
  environment(): Record<string, string>;
  directory(): string;
  reports: Reports;
  clock: Clock;
};

/** Runs each item's script at once and then at its interval; skips a run while the previous one is still running. */
export function collectMetadata(options: MetadataOptions): { stop(): void } {
  const { items, clock } = options;
  const stopping = new AbortController();
  const timers: Timer[] = [];
  for (const item of items) {
    const intervalMs = Number(item.intervalSeconds) * 1000;
    let running = false;
    const collect = () => {
      if (running || stopping.signal.aborted) return;
      running = true;
      void collectOne(options, item, stopping.signal).finally(() => {
        running = false;
      });
    };
    collect();
    if (intervalMs > 0) timers.push(clock.every(intervalMs, collect));
  }
  return {
    stop() {
      stopping.abort();
      for (const timer of timers) timer.cancel();
    },
  };
}

async function collectOne(
  { scriptFile, environment, directory, reports, clock }: MetadataOptions,
  item: MetadataDescription,
  signal: AbortSignal,
): Promise<void> {
  const seconds = [item.timeoutSeconds, item.intervalSeconds].find((each) => each > 0n);
  const timeoutMs = seconds ? Number(seconds) * 1000 : DEFAULT_TIMEOUT_MS;
  const stdout = createCapture();
  const stderr = createCapture();
  let error = "";
  let source: ScriptFile | undefined;
  try {
    source = scriptFile(item.script);
    const result = await runScript({
      ...source.command,
      cwd: directory(),
      env: environment(),
      timeoutMs,
      clock,
      signal,
      onStdout: stdout.push,
      onStderr: stderr.push,
      pipeGraceMs: 1_000,
    });
    if (result.error) error = `Failed to start the script: ${result.error}`;
    else if (result.status === "timed_out") error = `The script timed out after ${timeoutMs / 1000} seconds.`;
    else if (result.status === "exit_failure") {
      error = `The script failed with exit code ${result.exitCode}. ${stderr.text()}`.trim();
    }
  } catch (failure) {
    error = errorMessage(failure);
  } finally {
    source?.remove();
  }
  if (signal.aborted) return;
  reports.metadata({
    key: item.key,
    collectedAt: clock.now(),
    value: stdout.text(),
    error: cut(Buffer.from(error)),
  });
}

/** Keeps the beginning of the output. */
function createCapture() {
  const chunks: Buffer[] = [];
  let bytes = 0;
  return {
    push(chunk: Buffer): undefined {
      if (bytes >= MAX_BYTES) return;
      chunks.push(chunk.subarray(0, MAX_BYTES - bytes));
      bytes += chunks.at(-1)!.length;
    },
    text: () => cut(Buffer.concat(chunks)).trimEnd(),
  };
}

/** At most 2 KiB of valid text, without truncated characters and NUL, which Postgres rejects. */
function cut(bytes: Buffer): string {
  const text = bytes.subarray(0, MAX_BYTES).toString("utf8").replaceAll("\0", "");
  return Buffer.byteLength(text) > MAX_BYTES ? text.slice(0, -1) : text.replace(/\uFFFD$/, "");
}
