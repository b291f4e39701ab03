import { FleetError } from "@fleet/base";
import { CronExpressionParser } from "cron-parser";

/** One time of day on given weekdays, in a time zone: `CRON_TZ=Area/City m h * * dow`. */
export type Schedule = { timezone: string; hour: number; minute: number; weekdays: readonly Weekday[] };

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

const DAY_MS = 24 * 3_600_000;
/** Days to search for the next time: the most weeks that a template can skip, and one more. */
const LOOK_AHEAD_DAYS = 17 * 7;
/** Formatters that are kept: one for each spelling of a time zone. */
const MAX_FORMATS = 1_000;
/** Offsets that are kept: those of a few days, for the time zones of a deployment. */
const MAX_OFFSETS = 20_000;
/** Clocks change at full quarters of an hour, in UTC. */
const QUARTER_MS = 15 * 60_000;

/**
 * Parses a schedule. Defaults to UTC.
 *
 * @throws FleetError with a validation error for the field.
 */
export function parseSchedule(text: string, field: string, example: string): Schedule {
  const match = /^(?:CRON_TZ=(\S+)\s+)?(\d{1,2})\s+(\d{1,2})\s+\*\s+\*\s+([\w,*/-]+)$/.exec(text.trim());
  const refuse = (reason: string, cause?: unknown): never => {
    const detail = `"${text}" is not a valid schedule: ${reason}. Example: ${example}`;
    throw new FleetError("invalid_argument", detail, { validations: [{ field, detail }], cause });
  };
  if (!match) return refuse("set one minute, one hour and the days of the week");
  const [, timezone = "UTC", minute, hour, days] = match;
  if (!isTimezone(timezone)) return refuse(`unknown time zone "${timezone}"`);
  try {
    const { fields } = CronExpressionParser.parse(`${minute} ${hour} * * ${days}`);
    const numbers = new Set(fields.dayOfWeek.values.map((day) => Number(day) % 7));
    const weekdays = WEEKDAYS.filter((_, index) => numbers.has((index + 1) % 7));
    if (weekdays.length > 0) return { timezone, hour: Number(hour), minute: Number(minute), weekdays };
  } catch (cause) {
    return refuse("a value is out of range", cause);
  }
  return refuse("set the days of the week");
}

/**
 * The schedule's next time after `after`, on a day that is `allowed` (a date as days since 1970-01-01); null if there is
 * none within four months.
 *
 * Each date has at most one such time, whatever `after` is. Where clocks skip it, it is as much later as they skip; where
 * clocks repeat it, it is the first.
 */
export function nextTime(
  schedule: Schedule,
  after: Date,
  allowed: (day: number) => boolean = () => true,
): Date | null {
  const first = dayNumber(after, schedule.timezone) - 1;
  for (let day = first; day <= first + LOOK_AHEAD_DAYS; day++) {
    if (!schedule.weekdays.includes(weekdayOf(day)) || !allowed(day)) continue;
    const time = timeOn(day, schedule);
    if (time > after) return time;
  }
  return null;
}

/** The weekday of a date, as days since 1970-01-01. */
export function weekdayOf(day: number): Weekday {
  // 1970-01-01 was a Thursday.
  return WEEKDAYS[(((day + 3) % 7) + 7) % 7]!;
}

/** The date in the time zone at that time, as days since 1970-01-01. */
export function dayNumber(time: Date, timezone: string): number {
  return Math.floor((time.getTime() + offsetMs(time.getTime(), timezone)) / DAY_MS);
}

/** The schedule's time on a date. */
function timeOn(day: number, { timezone, hour, minute }: Schedule): Date {
  const local = day * DAY_MS + (hour * 60 + minute) * 60_000;
  const [before, after] = [local - DAY_MS, local + DAY_MS].map((at) => offsetMs(at, timezone));
  const valid = [before!, after!].find((offset) => offsetMs(local - offset, timezone) === offset);
  return new Date(local - (valid ?? before!));
}

const formats = new Map<string, Intl.DateTimeFormat>();
const offsets = new Map<string, number>();

/** How far the time zone's clocks are ahead of UTC at that time. */
function offsetMs(time: number, timezone: string): number {
  const quarter = Math.floor(time / QUARTER_MS);
  const key = `${timezone} ${quarter}`;
  let offset = offsets.get(key);
  if (offset === undefined) {
    offset = readOffsetMs(quarter * QUARTER_MS, timezone);
    if (offsets.size >= MAX_OFFSETS) offsets.clear();
    offsets.set(key, offset);
  }
  return offset;
}

function readOffsetMs(time: number, timezone: string): number {
  let format = formats.get(timezone);
  if (!format) {
    format = new Intl.DateTimeFormat("en", {
      timeZone: timezone,
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    });
    if (formats.size >= MAX_FORMATS) formats.clear();
    formats.set(timezone, format);
  }
  const parts = Object.fromEntries(
    format.formatToParts(time).map(({ type, value }) => [type, Number(value)]),
  );
  const { year, month, day, hour, minute, second } = parts;
  const local = Date.UTC(year!, month! - 1, day!, hour!, minute!, second!);
  return local - Math.floor(time / 1_000) * 1_000;
}

/** Whether it is the name of a time zone, such as `Europe/Berlin`. */
export function isTimezone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}
