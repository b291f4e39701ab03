import { FleetError } from "@fleet/base";
import { dayNumber, momentsAfter, parseSchedule, type Schedule, weekdayOf } from "./cron.js";

/** A template's autostop requirement: stop on these days, every `weeks` weeks. */
export type AutostopRequirement = { days: readonly string[]; weeks: number };

const DAY_MS = 24 * 3_600_000;
/** A workspace started within this time before a required stop runs until the next one. */
export const LEEWAY_MS = 3_600_000;
/** Days to search: the maximum number of weeks a template can skip, plus one. */
const LOOK_AHEAD_DAYS = 17 * 7;
/** Monday, 2023-01-02: weeks are counted from here, as upstream does. */
const FIRST_MONDAY = Date.UTC(2023, 0, 2) / DAY_MS;

/** Parses the daily start of a user's quiet hours. Throws a validation error for the field. */
export function parseQuietHours(text: string, field = "schedule"): Schedule {
  const example = "CRON_TZ=Europe/Berlin 30 2 * * *";
  const schedule = parseSchedule(text, field, example);
  if (schedule.cron.endsWith(" *")) return schedule;
  const detail = `"${text}" is not a valid schedule: quiet hours must start every day. Example: ${example}`;
  throw new FleetError("invalid_argument", detail, { validations: [{ field, detail }] });
}

export type QuietHoursPolicy = { defaultSchedule: string; userCanSet: boolean };

/** The user's effective schedule: their own, if set and allowed. */
export function quietHoursOf(own: string | null, { defaultSchedule, userCanSet }: QuietHoursPolicy): string {
  return userCanSet && own ? own : defaultSchedule;
}

/**
 * When a workspace started at `start` must stop: at the start of its owner's quiet hours on a required day of a
 * required week. Undefined if the template requires no stop.
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
