/** With whom an app or a port is shared, from the narrowest on. */
export const SHARE_LEVELS = ["owner", "organization", "authenticated", "public"] as const;
export type ShareLevel = (typeof SHARE_LEVELS)[number];

/** Whether one level shares with more than the other. A word that is not a level shares with nobody. */
export function isWider(level: string, than: string): boolean {
  return rank(level) > rank(than);
}

/** The level, or the maximum where that is narrower. */
export function atMost(level: string, maximum: string): string {
  return isWider(level, maximum) ? maximum : level;
}

/** The levels that share with more than this one. */
export function widerThan(level: string): ShareLevel[] {
  return SHARE_LEVELS.filter((one) => isWider(one, level));
}

function rank(level: string): number {
  return Math.max(0, SHARE_LEVELS.indexOf(level as ShareLevel));
}
