import { FleetError } from "@fleet/base";
import { dayNumber, momentsAfter, parseSchedule, type Schedule, weekdayOf } from "./cron.js";

/** What a template requires: a stop on these days, every so many weeks. */
export type AutostopRequirement = { days: readonly string[]; weeks: number };

const DAY_MS = 24 * 3_600_000;
/** A workspace that is started this shortly before a required stop runs until the next one. */
export const LEEWAY_MS = 3_600_000;
/** Days that are looked at: the most weeks that a template can skip, and one more. */
const LOOK_AHEAD_DAYS = 17 * 7;
/** Monday, 2023-01-02: weeks are counted from here, as upstream. */
const FIRST_MONDAY = Date.UTC(2023, 0, 2) / DAY_MS;

/** Reads when a user's quiet hours begin, each day. Throws with a sentence for the field. */
export function parseQuietHours(text: string, field = "schedule"): Schedule {
  const example = "CRON_TZ=Europe/Berlin 30 2 * * *";
  const schedule = parseSchedule(text, field, example);
  if (schedule.cron.endsWith(" *")) return schedule;
  const detail = `"${text}" is not a valid schedule: quiet hours must start every day. Example: ${example}`;
  throw new FleetError("invalid_argument", detail, { validations: [{ field, detail }] });
}

export type QuietHoursPolicy = { defaultSchedule: string; userCanSet: boolean };

/** The schedule that holds for a user: their own, where they have one and may. */
export function quietHoursOf(own: string | null, { defaultSchedule, userCanSet }: QuietHoursPolicy): string {
  return userCanSet && own ? own : defaultSchedule;
}

/**
 * When a workspace that is started at `start` has to stop: as its owner's quiet hours begin on a required day of a required
 * week. Undefined where nothing is required.
 */
export function requiredStop(
  { days, weeks }: AutostopRequirement,
  quietHours: Schedule,
  start: Date,
): Date | undefined {
  if (days.length === 0) return undefined;
  const { timezone } = quietHours;
  let looked = 0;
  for (const moment of momentsAfter(quietHours, new Date(start.getTime() + LEEWAY_MS))) {
    const week = Math.floor((dayNumber(moment, timezone) - FIRST_MONDAY) / 7);
    if (week % Math.max(1, weeks) === 0 && days.includes(weekdayOf(moment, timezone))) return moment;
    if (++looked >= LOOK_AHEAD_DAYS) return undefined;
  }
  return undefined;
}
