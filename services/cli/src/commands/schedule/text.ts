import { FleetError, formatDuration } from "@fleet/base";

const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

/** A time of day on some weekdays in a time zone, stored by the server as `CRON_TZ=Area/City m h * * dow`. */
export type DailySchedule = { minute: number; hour: number; days: string; timeZone: string };

/** `9:30AM Mon-Fri (Europe/Berlin)`; empty for none. Other cron expressions are shown unchanged. */
export function scheduleText(cron: string | undefined): string {
  if (!cron) return "";
  const match = /^(?:CRON_TZ=(\S+) )?(\d+) (\d+) \* \* (\S+)$/.exec(cron);
  if (!match) return cron;
  const [, zone = "UTC", minute, hour, days] = match;
  const clock = `${Number(hour) % 12 || 12}:${minute!.padStart(2, "0")}${Number(hour) < 12 ? "AM" : "PM"}`;
  return `${clock} ${daysText(days!)} (${zone})`;
}

function daysText(days: string): string {
  if (days === "*") return "daily";
  return days.replace(/\d/g, (digit) => DAYS[Number(digit) % 7]!);
}

/** `8h`; empty for never. */
export function ttlText(ttlMs: number | null | undefined): string {
  return ttlMs ? formatDuration(ttlMs) : "";
}

/** Formats a schedule as a cron expression. */
export function cronOf({ minute, hour, days, timeZone }: DailySchedule): string {
  return `CRON_TZ=${timeZone} ${minute} ${hour} * * ${days}`;
}

/**
 * Parses `9:30AM`, `9am`, `21:30` or `09:30`, then optional weekdays (`Mon-Fri`, `Mon,Wed`, `*`) and time zone in any
 * order.
 */
export function parseSchedule(words: readonly string[], localZone: string): DailySchedule {
  const [time = "", ...rest] = words;
  const schedule: DailySchedule = { ...parseTimeOfDay(time), days: "*", timeZone: localZone };
  for (const word of rest) {
    if (isDays(word)) schedule.days = word;
    else schedule.timeZone = knownZone(word);
  }
  return schedule;
}

function parseTimeOfDay(text: string): { hour: number; minute: number } {
  const match = /^(\d{1,2})(?::(\d{2}))?\s*(am|pm)?$/i.exec(text.trim());
  const [, hours = "", minutes, half] = match ?? [];
  const hour = half ? (Number(hours) % 12) + (half.toLowerCase() === "pm" ? 12 : 0) : Number(hours);
  const minute = Number(minutes ?? 0);
  const valid =
    match &&
    (half || minutes !== undefined) &&
    hour < 24 &&
    minute < 60 &&
    !(half && (Number(hours) < 1 || Number(hours) > 12));
  if (!valid) {
    throw new FleetError("invalid_argument", `"${text}" is not a valid time of day. Examples: 9:30AM, 21:30`);
  }
  return { hour, minute };
}

const DAY = "(?:sun|mon|tue|wed|thu|fri|sat|[0-7])";
const DAY_LIST = new RegExp(`^(?:\\*|${DAY}(?:-${DAY})?(?:,${DAY}(?:-${DAY})?)*)$`, "i");

function isDays(word: string): boolean {
  return DAY_LIST.test(word);
}

function knownZone(name: string): string {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return name;
  } catch {
    throw new FleetError(
      "invalid_argument",
      `"${name}" is not a valid list of weekdays (such as Mon-Fri) or time zone (such as Europe/Berlin).`,
    );
  }
}
