import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "@fleet/base";
import type { StopSignals } from "@fleet/provisionersdk";
import type { ControlGroup } from "./cgroup.js";

/** How much one job may use. */
export type JobLimits = {
  timeoutMs: number;
  /** Of its folder. */
  diskBytes: number;
  memoryBytes: number;
  processes: number;
};

/** How often a job's disk usage is measured, and how long it has to end when its time is over. */
const MEASURE_MS = 1_000;
const GRACE_MS = 60_000;
/** Files that a job may create. Also bounds what a measurement costs. */
const FILES_LIMIT = 500_000;

/** Stops a job that exceeds a limit. */
export type JobWatch = {
  /** Those of the job, which also abort when it exceeds a limit. */
  readonly stop: StopSignals;
  /** Which limit the job has exceeded, as a sentence for its user. */
  overrun(): Promise<string | undefined>;
  close(): void;
};

export function watchJob(options: {
  limits: JobLimits;
  place: string;
  stop: StopSignals;
  group: ControlGroup | undefined;
  clock: Clock;
}): JobWatch {
  const { limits, place, group, clock } = options;
  const graceful = new AbortController();
  const forced = new AbortController();
  let exceeded: string | undefined;
  let measuring = false;

  function end(sentence: string, graceMs: number): void {
    if (exceeded !== undefined) return;
    exceeded = sentence;
    graceful.abort();
    if (graceMs === 0) forced.abort();
    else timers.push(clock.after(graceMs, () => forced.abort()));
  }

  async function measure(): Promise<void> {
    if (measuring) return;
    measuring = true;
    const used = await usageOf(place).finally(() => {
      measuring = false;
    });
    if (used.bytes > limits.diskBytes) end(sentences.disk(limits.diskBytes), 0);
    if (used.files > FILES_LIMIT) end(sentences.files(), 0);
  }

  const timers = [
    clock.after(limits.timeoutMs, () => end(sentences.time(limits.timeoutMs), GRACE_MS)),
    clock.every(MEASURE_MS, () => void measure().catch(() => {})),
  ];

  return {
    stop: {
      graceful: AbortSignal.any([options.stop.graceful, graceful.signal]),
      forced: AbortSignal.any([options.stop.forced, forced.signal]),
    },
    async overrun() {
      if (exceeded !== undefined) return exceeded;
      const hit = await group?.exceeded();
      if (hit === "memory") return sentences.memory(limits.memoryBytes);
      return hit === "processes" ? sentences.processes(limits.processes) : undefined;
    },
    close() {
      for (const timer of timers) timer.cancel();
    },
  };
}

const mib = (bytes: number) => Math.round(bytes / 1024 / 1024);
const sentences = {
  time: (ms: number) =>
    `The job ran longer than ${Math.round(ms / 60_000)} minutes and was stopped (CODER_PROVISIONER_JOB_TIMEOUT).`,
  disk: (bytes: number) =>
    `The job wrote more than ${mib(bytes)} MiB to its folder and was stopped (CODER_PROVISIONER_JOB_DISK_MIB).`,
  files: () => `The job created more than ${FILES_LIMIT} files in its folder and was stopped.`,
  memory: (bytes: number) =>
    `The job's processes needed more than ${mib(bytes)} MiB of memory, and some were killed (CODER_PROVISIONER_JOB_MEMORY_MIB).`,
  processes: (count: number) =>
    `The job tried to run more than ${count} processes at once (CODER_PROVISIONER_JOB_PROCESSES).`,
};

/** Disk usage below a folder; follows no link. Stops counting at FILES_LIMIT. */
async function usageOf(folder: string): Promise<{ bytes: number; files: number }> {
  const used = { bytes: 0, files: 0 };
  const folders = [folder];
  for (let next = folders.pop(); next !== undefined && used.files <= FILES_LIMIT; next = folders.pop()) {
    for (const name of await readdir(next).catch(() => [])) {
      const path = join(next, name);
      const info = await lstat(path).catch(() => undefined);
      if (!info) continue;
      used.files += 1;
      used.bytes += info.blocks * 512;
      if (info.isDirectory()) folders.push(path);
    }
  }
  return used;
}
