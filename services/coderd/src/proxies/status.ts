/** A proxy beats each 20 s; after so long without it is unreachable. */
export const UNREACHABLE_AFTER_MS = 60_000;

/** `unregistered`: it never came. */
export type ProxyStatus = "unregistered" | "ok" | "unreachable";

export function proxyStatus(proxy: { lastSeenAt: Date | null }, now: Date): ProxyStatus {
  if (!proxy.lastSeenAt) return "unregistered";
  return now.getTime() - proxy.lastSeenAt.getTime() > UNREACHABLE_AFTER_MS ? "unreachable" : "ok";
}
