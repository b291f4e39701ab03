import { FleetError } from "@fleet/base";
import { nextTime, parseSchedule, type Schedule, WEEKDAYS, type Weekday, weekdayOf } from "./cron.js";

/** A template's autostop requirement: stop on these days, every `weeks` weeks. */
export type AutostopRequirement = { days: readonly string[]; weeks: number };

const DAY_MS = 24 * 3_600_000;
/** A workspace started within this time before a required stop runs until the next one. */
export const LEEWAY_MS = 3_600_000;
/** Monday, 2023-01-02: weeks are counted from here, as upstream does. */
const FIRST_MONDAY = Date.UTC(2023, 0, 2) / DAY_MS;

/** Parses the daily start of a user's quiet hours. Throws a validation error for the field. */
export function parseQuietHours(text: string, field = "schedule"): Schedule {
  const example = "CRON_TZ=Europe/Berlin 30 2 * * *";
  const schedule = parseSchedule(text, field, example);
  if (schedule.weekdays.length === WEEKDAYS.length) return schedule;
  const detail = `"${text}" is not a valid schedule: quiet hours must start every day. Example: ${example}`;
  throw new FleetError("invalid_argument", detail, { validations: [{ field, detail }] });
}

export type QuietHoursPolicy = { defaultSchedule: string; userCanSet: boolean };

/** The deployment's policy. */
export function quietHoursPolicy(config: {
  CODER_QUIET_HOURS_DEFAULT_SCHEDULE: string;
  CODER_ALLOW_CUSTOM_QUIET_HOURS: boolean;
}): QuietHoursPolicy {
  return {
    defaultSchedule: config.CODER_QUIET_HOURS_DEFAULT_SCHEDULE,
    userCanSet: config.CODER_ALLOW_CUSTOM_QUIET_HOURS,
  };
}

/** The user's effective schedule: their own, if set and allowed. */
export function quietHoursOf(own: string | null, { defaultSchedule, userCanSet }: QuietHoursPolicy): string {
  return userCanSet && own ? own : defaultSchedule;
}

/**
 * When a workspace started at `start` must stop: at the start of its owner's quiet hours on a required day of a
 * required week. Null if the template requires no stop.
 */
export function requiredStop(
  { days, weeks }: AutostopRequirement,
  quietHours: Schedule,
  start: Date,
): Date | null {
  const required = days as readonly Weekday[];
  return nextTime(quietHours, new Date(start.getTime() + LEEWAY_MS), (day) => {
    const week = Math.floor((day - FIRST_MONDAY) / 7);
    return week % Math.max(1, weeks) === 0 && required.includes(weekdayOf(day));
  });
}
