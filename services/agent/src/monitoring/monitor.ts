import { type Clock, errorMessage, type Logger, type Timer } from "@fleet/base";
import type { ResourcesMonitoring } from "@fleet/proto-gen/agent";
import type { Reports, ResourcesSample, Usage } from "../uplink/reports.js";

export type MonitorOptions = {
  /** Undefined if nothing is monitored. */
  monitoring: ResourcesMonitoring | undefined;
  /** How to read the machine. */
  read: { memory(): Promise<Usage>; volume(path: string): Promise<Usage> };
  /** Expands variables and `~` in a volume's path. */
  expand(path: string): string;
  reports: Pick<Reports, "resources">;
  clock: Clock;
  logger: Logger;
};

/** A volume on a dead network drive may never answer: its sample is left out after this long, in milliseconds. */
const READ_LIMIT_MS = 5_000;

/** Samples memory and volumes, and reports the latest samples. What cannot be read is logged once and left out. */
export function monitorResources(options: MonitorOptions): { stop(): void } {
  const { monitoring, reports, clock, logger } = options;
  if (!monitoring || monitoring.intervalSeconds <= 0) return { stop() {} };
  const samples: ResourcesSample[] = [];
  const unreadable = new Set<string>();
  /** Reads that have not ended: a path that hangs is not read again. */
  const reading = new Set<string>();
  let stopped = false;

  async function attempt(name: string, read: () => Promise<Usage>): Promise<Usage | undefined> {
    if (reading.has(name)) return undefined;
    reading.add(name);
    const result = read().finally(() => reading.delete(name));
    let timer: Timer | undefined;
    const limit = new Promise<never>((_, reject) => {
      timer = clock.after(READ_LIMIT_MS, () => reject(new Error("It does not answer.")));
    });
    try {
      const usage = await Promise.race([result, limit]);
      unreadable.delete(name);
      return usage;
    } catch (error) {
      if (!unreadable.has(name)) {
        unreadable.add(name);
        logger.warn("Failed to read a monitored resource.", { resource: name, reason: errorMessage(error) });
      }
      return undefined;
    } finally {
      timer?.cancel();
    }
  }

  async function sample(): Promise<void> {
    const collectedAt = clock.now();
    const [memory, ...volumes] = await Promise.all([
      monitoring!.memory ? attempt("memory", options.read.memory) : undefined,
      ...monitoring!.volumes.map(async (path) => ({
        path,
        usage: await attempt(path, async () => options.read.volume(options.expand(path))),
      })),
    ]);
    if (stopped) return;
    samples.push({ collectedAt, memory, volumes: volumes.filter(isKnown) });
    if (samples.length > Math.max(1, monitoring!.samples)) samples.shift();
  }

  const timers = [
    clock.every(monitoring.intervalSeconds * 1000, () => void sample()),
    clock.every(Math.max(1, monitoring.reportIntervalSeconds) * 1000, () => {
      if (samples.length > 0) reports.resources([...samples]);
    }),
  ];
  return {
    stop() {
      stopped = true;
      for (const timer of timers) timer.cancel();
    },
  };
}

function isKnown(volume: {
  path: string;
  usage: Usage | undefined;
}): volume is { path: string; usage: Usage } {
  return volume.usage !== undefined;
}
