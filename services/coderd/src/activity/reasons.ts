import { ACTIVITY_KINDS, type ActivityKind } from "../agents/activity.js";

/** How long after its last report activity still counts as going on: agents and proxies report every 30 s. */
const FRESH_MS = 2 * 60_000;

export type ActivityReason =
  | { kind: ActivityKind; lastSeenAt: Date }
  | { kind: "hold"; name: string; until: Date };

/** What of the stored activity is going on, and the holds that have not expired. */
export function reasonsOf(
  activity: unknown,
  holds: readonly { name: string; expiresAt: string }[],
  now: Date,
): ActivityReason[] {
  const seen = Object(activity) as Record<string, unknown>;
  return [
    ...ACTIVITY_KINDS.flatMap((kind) => {
      const lastSeenAt = new Date(String(seen[kind]));
      return now.getTime() - lastSeenAt.getTime() < FRESH_MS ? [{ kind, lastSeenAt }] : [];
    }),
    ...holds.flatMap(({ name, expiresAt }) => {
      const until = new Date(expiresAt);
      return until > now ? [{ kind: "hold" as const, name, until }] : [];
    }),
  ];
}
