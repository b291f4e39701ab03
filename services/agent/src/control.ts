import { type AgentClient, connectAgent } from "@fleet/agentsdk";
import type { Clock, Logger } from "@fleet/base";
import type { GetManifestResponse } from "@fleet/proto-gen/agent";
import type { Counters } from "./stats/counters.js";
import type { CpuMeter } from "./stats/cpu.js";
import { listeningPorts } from "./stats/ports.js";
import type { Uplink } from "./uplink/delivery.js";

/** Default until coderd sends a value, in milliseconds. */
const HEARTBEAT_MS = 15_000;
const STATS_MS = 30_000;

export type ControlOptions = {
  accessUrl: string;
  token: string;
  /** Identifies this run of the agent. */
  bootId: string;
  uplink: Uplink;
  counters: Counters;
  cpu: CpuMeter;
  clock: Clock;
  logger: Logger;
  /** Receives the manifest at the start of each connection and after each change. */
  onManifest(manifest: GetManifestResponse, client: AgentClient): Promise<void>;
  /** Called when coderd announces that the workspace stops. */
  onShutdown(): void;
  /** Called when somebody wants to know of unpushed work. */
  onUnpushedWorkWanted(): void;
  /** Called when a user asks to recreate or delete a dev container. */
  onDevcontainerAct(devcontainerId: string, act: string): void;
};

/**
 * Runs one connection to the control plane until it ends. Returns `reinitialize` if the workspace, a prebuild, was claimed:
 * the next connection is one of its owner's agent.
 */
export async function controlSession(
  options: ControlOptions,
  signal: AbortSignal,
): Promise<"reinitialize" | undefined> {
  const { accessUrl, token, bootId, uplink, clock, logger } = options;
  const connection = await connectAgent({ accessUrl, token, signal });
  const { client } = connection;
  const onAbort = () => connection.close();
  signal.addEventListener("abort", onAbort, { once: true });
  const stats = startStats(client, options);
  try {
    await options.onManifest(await client.getManifest({}), client);
    const stream = client.connect();
    let intervalMs = HEARTBEAT_MS;
    const beat = () => stream.send({ bootId }).catch(() => {});
    let beats = clock.every(intervalMs, () => void beat());
    try {
      void beat();
      let greeted = false;
      for await (const directive of stream) {
        if (!greeted) {
          // coderd drops logs of an unknown run of the agent, so logs are sent only from here on.
          greeted = true;
          uplink.use(client);
          logger.info("Connected to the control plane.");
        }
        if (directive.heartbeatIntervalMs > 0 && directive.heartbeatIntervalMs !== intervalMs) {
          intervalMs = directive.heartbeatIntervalMs;
          beats.cancel();
          beats = clock.every(intervalMs, () => void beat());
        }
        if (directive.manifestChanged) await options.onManifest(await client.getManifest({}), client);
        if (directive.reportUnpushedWork) options.onUnpushedWorkWanted();
        if (directive.reinitialize) return "reinitialize";
        if (directive.shutdown) options.onShutdown();
        const { devcontainerAct } = directive;
        if (devcontainerAct) options.onDevcontainerAct(devcontainerAct.devcontainerId, devcontainerAct.act);
      }
      return undefined;
    } finally {
      beats.cancel();
    }
  } finally {
    stats.stop();
    uplink.use(undefined);
    signal.removeEventListener("abort", onAbort);
    connection.close();
  }
}

/**
 * Reports statistics at the interval that coderd requests. A failed report is skipped: the next one includes its
 * counts.
 */
function startStats(
  client: AgentClient,
  { counters, cpu, clock }: Pick<ControlOptions, "counters" | "cpu" | "clock">,
): { stop(): void } {
  let stopped = false;
  let timer = clock.after(STATS_MS, report);
  function report(): void {
    void listeningPorts()
      .catch(() => [])
      .then(async (listeningPorts) => {
        const cpuPercent = await cpu.read().catch(() => undefined);
        const { sessionsWithInput, ...counts } = counters.take();
        const activity = { sessionsWithInput, ...(cpuPercent === undefined ? {} : { cpuPercent }) };
        return client.updateStats({ ...counts, listeningPorts, activity });
      })
      .then(
        ({ reportIntervalMs }) => reportIntervalMs || STATS_MS,
        () => STATS_MS,
      )
      .then((delayMs) => {
        if (!stopped) timer = clock.after(delayMs, report);
      });
  }
  return {
    stop() {
      stopped = true;
      timer.cancel();
    },
  };
}
