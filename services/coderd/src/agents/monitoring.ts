import type { Clock } from "@fleet/base";
import type { Notification, Notifier } from "../notifications/notifier.js";
import type { Monitor, MonitorState, MonitorStore } from "./monitoring-store.js";
import type { AgentIdentity } from "./store.js";

/** How agents sample what is monitored; upstream's numbers, but for the report, which it sends with each sample. */
export const MONITORING = { intervalSeconds: 10, samples: 20, reportIntervalSeconds: 30 } as const;

/** A resource is short after this many samples above the threshold in a row, or in all. */
const CONSECUTIVE = Math.ceil(MONITORING.samples * 0.2);
const IN_ALL = Math.ceil(MONITORING.samples * 0.5);
/** How long a resource that became short is not notified of again, in milliseconds. */
const DEBOUNCE_MS = 5 * 60_000;

export type Usage = { usedBytes: number; totalBytes: number };
/** What an agent measured at one moment: memory under the empty path, volumes under theirs. */
export type Sample = ReadonlyMap<string, Usage>;

/** Decides from agents' samples whether memory or a volume runs out, and notifies the workspace's owner. */
export type Monitoring = {
  /** Takes the agent's latest samples, oldest first. What the template does not monitor is ignored. */
  report(agent: AgentIdentity, samples: readonly Sample[]): Promise<void>;
};

export function createMonitoring({
  store,
  notifier,
  clock,
}: {
  store: MonitorStore;
  notifier: Pick<Notifier, "notify">;
  clock: Clock;
}): Monitoring {
  return {
    async report(agent, samples) {
      const latest = samples.slice(-MONITORING.samples);
      const now = clock.now();
      const short: Monitor[] = [];
      for (const monitor of await store.ofAgent(agent.agentId)) {
        const state = nextState(monitor, latest);
        if (state === monitor.state) continue;
        const tells = state === "NOK" && (monitor.debouncedUntil ?? now) <= now;
        const until = tells ? new Date(now.getTime() + DEBOUNCE_MS) : monitor.debouncedUntil;
        const changed = await store.change(agent.agentId, monitor, state, until, now);
        if (changed && tells) short.push(monitor);
      }
      await notifier.notify(notificationsOf(agent, short));
    },
  };
}

/** While a sample is missing, a resource that was short stays so. */
export function nextState(
  { path, threshold, state }: Pick<Monitor, "path" | "threshold" | "state">,
  samples: readonly Sample[],
): MonitorState {
  let [row, longest, above, missing] = [0, 0, 0, MONITORING.samples - samples.length];
  for (const sample of samples) {
    const usage = sample.get(path);
    const known = usage !== undefined && usage.totalBytes > 0 && usage.usedBytes >= 0;
    if (!known) missing++;
    const isAbove = known && (usage.usedBytes / usage.totalBytes) * 100 >= threshold;
    above += Number(isAbove);
    row = isAbove ? row + 1 : 0;
    longest = Math.max(longest, row);
  }
  if (longest >= CONSECUTIVE || above >= IN_ALL) return "NOK";
  return missing > 0 ? state : "OK";
}

function notificationsOf(agent: AgentIdentity, short: readonly Monitor[]): Notification[] {
  const labels = { name: agent.workspaceName, owner: agent.ownerName };
  const common = { to: { users: [agent.ownerId] }, targets: [agent.workspaceId, agent.templateId] };
  const volumes = short.filter(({ path }) => path !== "");
  const memory = short.filter(({ path }) => path === "");
  const list = volumes.map(({ path, threshold }) => `${path} (${threshold}%)`).join(", ");
  return [
    ...memory.map(({ threshold }) => ({
      ...common,
      event: "outOfMemory" as const,
      labels: { ...labels, threshold: `${threshold}%` },
    })),
    ...(volumes.length > 0
      ? [{ ...common, event: "outOfDisk" as const, labels: { ...labels, volumes: list } }]
      : []),
  ];
}
