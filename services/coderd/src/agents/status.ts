/** How an agent is doing, from what is stored of it. Two machines: its connection, and its lifecycle. */

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

/** Beats that are missed until an agent counts as lost, though nobody has told so: its proxy and coderd died with it. */
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
    // Its build was replaced before it came.
    if (agent.disconnectedAt) return "disconnected";
    const limitMs = agent.connectionTimeoutSeconds * 1000;
    return limitMs > 0 && now.getTime() - agent.createdAt.getTime() > limitMs ? "timeout" : "connecting";
  }
  if (agent.disconnectedAt && agent.disconnectedAt >= agent.lastConnectedAt) return "disconnected";
  return now.getTime() - agent.lastConnectedAt.getTime() > LOST_AFTER_MS ? "disconnected" : "connected";
}

/** How long an agent that lost its connection is waited for: it dials again within seconds, unless it is gone. */
const RETURN_MS = 30_000;

/** Whether the agent is connected, or may be expected back: not one that says that it leaves. */
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
 * Whether an agent may report `next` while `current` is stored. A lifecycle goes forward; `starting` begins it again,
 * for a restarted agent. A report that comes late is dropped, not an error.
 */
export function mayEnter(current: LifecycleState, next: LifecycleState): boolean {
  if (next === "starting" || next === "created") return current !== next;
  return ORDER.get(next)! >= ORDER.get(current)! && current !== next;
}

export const APP_HEALTHS = ["disabled", "initializing", "healthy", "unhealthy"] as const;
export type AppHealth = (typeof APP_HEALTHS)[number];

/** How an app is, from what its agent reported last: one whose agent is away answers nobody. */
export function appHealth(reported: AppHealth, connection: ConnectionStatus): AppHealth {
  if (reported === "disabled") return reported;
  return connection === "disconnected" || connection === "timeout" ? "unhealthy" : reported;
}

/**
 * Why the agent is unhealthy; undefined when it is healthy. One that is on its way is: it connects for the first time
 * within its timeout, or its startup scripts still run, whether or not they block logins. `agents/predicates.ts` has the
 * same rule as a condition.
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
