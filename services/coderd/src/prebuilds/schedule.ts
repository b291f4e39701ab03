import { CronExpressionParser } from "cron-parser";

/** How many prebuilds a preset wants. */
export type Desired = {
  instances: number;
  /** IANA name; empty if there is no schedule. */
  timezone: string;
  schedules: readonly { cron: string; instances: number }[];
};

const MINUTE_MS = 60_000;

/**
 * How many prebuilds are wanted at this time: those of the first schedule that covers it, otherwise the preset's own
 * number. A schedule covers whole hours, so its minute is `*`. An invalid schedule covers nothing; the import refuses it.
 */
export function instancesAt({ instances, timezone, schedules }: Desired, now: Date): number {
  const current = schedules.find(({ cron }) => covers(cron, timezone || "UTC", now));
  return Math.max(0, current?.instances ?? instances);
}

function covers(cron: string, timezone: string, now: Date): boolean {
  const minute = new Date(Math.floor(now.getTime() / MINUTE_MS) * MINUTE_MS);
  try {
    const before = new Date(minute.getTime() - 1);
    const next = CronExpressionParser.parse(cron, { tz: timezone, currentDate: before }).next().toDate();
    return next.getTime() === minute.getTime();
  } catch {
    return false;
  }
}
