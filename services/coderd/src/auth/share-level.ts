/** Share levels of apps and ports, narrowest first. */
export const SHARE_LEVELS = ["owner", "organization", "authenticated", "public"] as const;
export type ShareLevel = (typeof SHARE_LEVELS)[number];

/** Whether `level` is wider than `than`. An unknown level counts as not shared. */
export function isWider(level: string, than: string): boolean {
  return rank(level) > rank(than);
}

/** The narrower of the level and the maximum. */
export function atMost(level: string, maximum: string): string {
  return isWider(level, maximum) ? maximum : level;
}

/** All levels wider than this one. */
export function widerThan(level: string): ShareLevel[] {
  return SHARE_LEVELS.filter((one) => isWider(one, level));
}

function rank(level: string): number {
  return Math.max(0, SHARE_LEVELS.indexOf(level as ShareLevel));
}
