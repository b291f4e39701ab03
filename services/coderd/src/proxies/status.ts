/** A proxy beats each 20 s; after so long without it is unreachable. */
const UNREACHABLE_AFTER_MS = 60_000;

/** Whether nothing was heard of the proxy for a while. One that never came counts too. */
export function unreachable(proxy: { lastSeenAt: Date | null }, now: Date): boolean {
  return !proxy.lastSeenAt || now.getTime() - proxy.lastSeenAt.getTime() > UNREACHABLE_AFTER_MS;
}
