import { DAEMON_STALE_MS } from "../provisionerjobs/predicates.js";

export type DaemonStatus = "offline" | "idle" | "busy";

export type DaemonFacts = { lastSeenAt: Date | null; leftAt: Date | null; running: boolean };

/** Offline if the daemon disconnected or has not been seen for a while. */
export function daemonStatus({ lastSeenAt, leftAt, running }: DaemonFacts, now: Date): DaemonStatus {
  if (leftAt || !lastSeenAt || now.getTime() - lastSeenAt.getTime() > DAEMON_STALE_MS) return "offline";
  return running ? "busy" : "idle";
}
