import { DAEMON_STALE_MS } from "../provisionerjobs/predicates.js";

export type DaemonStatus = "offline" | "idle" | "busy";

export type DaemonFacts = { lastSeenAt: Date | null; leftAt: Date | null; running: boolean };

/** A daemon that left, or that was not heard of for a while, is offline. */
export function daemonStatus({ lastSeenAt, leftAt, running }: DaemonFacts, now: Date): DaemonStatus {
  if (leftAt || !lastSeenAt || now.getTime() - lastSeenAt.getTime() > DAEMON_STALE_MS) return "offline";
  return running ? "busy" : "idle";
}
