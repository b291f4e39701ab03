/** A proxy sends a heartbeat every 20 s; it is unreachable after this long without one. */
export const UNREACHABLE_AFTER_MS = 60_000;

/** `unregistered`: never connected. */
export type ProxyStatus = "unregistered" | "ok" | "unreachable";

export function proxyStatus(proxy: { lastSeenAt: Date | null }, now: Date): ProxyStatus {
  if (!proxy.lastSeenAt) return "unregistered";
  return now.getTime() - proxy.lastSeenAt.getTime() > UNREACHABLE_AFTER_MS ? "unreachable" : "ok";
}
