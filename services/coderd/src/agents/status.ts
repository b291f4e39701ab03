/** Derives an agent's status from stored fields. There are two state machines: the connection and the lifecycle. */

export type ConnectionStatus = "connecting" | "connected" | "disconnected" | "timeout";

export const LIFECYCLE_STATES = [
  "created",
  "starting",
  "start_timeout",
  "start_error",
  "ready",
  "shutting_down",
  "shutdown_timeout",
  "shutdown_error",
  "off",
] as const;
export type LifecycleState = (typeof LIFECYCLE_STATES)[number];

/**
 * An agent counts as lost after three missed heartbeats, even if no disconnect was reported (its proxy and coderd may
 * have died with it).
 */
export const HEARTBEAT_INTERVAL_MS = 10_000;
export const LOST_AFTER_MS = 3 * HEARTBEAT_INTERVAL_MS + 5_000;

export type ConnectionTimes = {
  createdAt: Date;
  firstConnectedAt: Date | null;
  lastConnectedAt: Date | null;
  disconnectedAt: Date | null;
  connectionTimeoutSeconds: number;
};

export function connectionStatus(agent: ConnectionTimes, now: Date): ConnectionStatus {
  if (!agent.firstConnectedAt || !agent.lastConnectedAt) {
    // Its build was replaced before it connected.
    if (agent.disconnectedAt) return "disconnected";
    const limitMs = agent.connectionTimeoutSeconds * 1000;
    return limitMs > 0 && now.getTime() - agent.createdAt.getTime() > limitMs ? "timeout" : "connecting";
  }
  if (agent.disconnectedAt && agent.disconnectedAt >= agent.lastConnectedAt) return "disconnected";
  return now.getTime() - agent.lastConnectedAt.getTime() > LOST_AFTER_MS ? "disconnected" : "connected";
}

/** How long to wait for a disconnected agent to return; a live agent reconnects within seconds. */
const RETURN_MS = 30_000;

/** Whether the agent is connected or expected to reconnect. An agent that is shutting down is not. */
export function isExpected(agent: ConnectionTimes & { lifecycleState: string }, now: Date): boolean {
  if (ORDER.get(agent.lifecycleState as LifecycleState)! >= ORDER.get("shutting_down")!) return false;
  if (connectionStatus(agent, now) === "connected") return true;
  return agent.disconnectedAt !== null && now.getTime() - agent.disconnectedAt.getTime() < RETURN_MS;
}

const ORDER = new Map<LifecycleState, number>([
  ["created", 0],
  ["starting", 1],
  ["start_timeout", 2],
  ["start_error", 3],
  ["ready", 3],
  ["shutting_down", 4],
  ["shutdown_timeout", 5],
  ["shutdown_error", 6],
  ["off", 6],
]);

/**
 * Whether an agent may report `next` while `current` is stored. The lifecycle only moves forward, except that
 * `starting` restarts it when the agent restarts. A late report is ignored, not an error.
 */
export function mayEnter(current: LifecycleState, next: LifecycleState): boolean {
  if (next === "starting" || next === "created") return current !== next;
  return ORDER.get(next)! >= ORDER.get(current)! && current !== next;
}

export const APP_HEALTHS = ["disabled", "initializing", "healthy", "unhealthy"] as const;
export type AppHealth = (typeof APP_HEALTHS)[number];

/** An app's health as last reported by its agent; an app whose agent is offline is unhealthy. */
export function appHealth(reported: AppHealth, connection: ConnectionStatus): AppHealth {
  if (reported === "disabled") return reported;
  return connection === "disconnected" || connection === "timeout" ? "unhealthy" : reported;
}

/**
 * Why the agent is unhealthy; undefined if it is healthy. An agent that is still connecting within its timeout, or
 * still running startup scripts (blocking or not), counts as healthy. `agents/predicates.ts` has the same rule in SQL.
 */
export function unhealthyReason(status: ConnectionStatus, lifecycle: LifecycleState): string | undefined {
  if (lifecycle === "off") return "agent is not running";
  if (status === "timeout") return "agent is taking too long to connect";
  if (status === "disconnected") return "agent has lost connection";
  switch (lifecycle) {
    case "created":
    case "starting":
    case "ready":
      return undefined;
    case "start_error":
      return "agent startup script failed";
    case "start_timeout":
      return "agent startup script timed out";
    case "shutting_down":
    case "shutdown_timeout":
    case "shutdown_error":
      return "agent is shutting down";
  }
}
