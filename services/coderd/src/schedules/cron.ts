import { FleetError } from "@fleet/base";
import { CronExpressionParser } from "cron-parser";

/** One time of day on given weekdays, in a time zone: `CRON_TZ=Area/City m h * * dow`. */
export type Schedule = { timezone: string; hour: number; minute: number; cron: string };

/** Weekday names as used by templates. */
export const WEEKDAYS = [
  "monday",
  "tuesday",
  "wednesday",
  "thursday",
  "friday",
  "saturday",
  "sunday",
] as const;
export type Weekday = (typeof WEEKDAYS)[number];

/**
 * Parses a schedule. Defaults to UTC.
 *
 * @throws FleetError with a validation error for the field.
 */
export function parseSchedule(text: string, field: string, example: string): Schedule {
  const match = /^(?:CRON_TZ=(\S+)\s+)?(\d{1,2})\s+(\d{1,2})\s+\*\s+\*\s+(\S+)$/.exec(text.trim());
  const refuse = (reason: string, cause?: unknown): never => {
    const detail = `"${text}" is not a valid schedule: ${reason}. Example: ${example}`;
    throw new FleetError("invalid_argument", detail, { validations: [{ field, detail }], cause });
  };
  if (!match) return refuse("set one minute, one hour and the days of the week");
  const [, timezone = "UTC", minute, hour, days] = match;
  const cron = `${minute} ${hour} * * ${days}`;
  if (!isTimezone(timezone)) return refuse(`unknown time zone "${timezone}"`);
  try {
    CronExpressionParser.parse(cron, { tz: timezone });
  } catch (cause) {
    return refuse("a value is out of range", cause);
  }
  return { timezone, hour: Number(hour), minute: Number(minute), cron };
}

/** The schedule's times after `after`; never ends. */
export function* momentsAfter({ cron, timezone }: Schedule, after: Date): Generator<Date, never> {
  const dates = CronExpressionParser.parse(cron, { tz: timezone, currentDate: after });
  for (;;) yield dates.next().toDate();
}

/** The weekday in the time zone at that time. */
export function weekdayOf(moment: Date, timezone: string): Weekday {
  const name = new Intl.DateTimeFormat("en", { timeZone: timezone, weekday: "long" }).format(moment);
  return name.toLowerCase() as Weekday;
}

/** The date in the time zone at that time, as days since 1970-01-01. */
export function dayNumber(moment: Date, timezone: string): number {
  // en-CA formats dates as ISO 8601.
  const date = new Intl.DateTimeFormat("en-CA", { timeZone: timezone }).format(moment);
  return Date.parse(`${date}T00:00:00Z`) / (24 * 3_600_000);
}

function isTimezone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}
