import { dayNumber } from "../schedules/cron.js";
import { DAY_MINUTES } from "./minutes.js";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

/** From `from` on, before `to`. */
export type Range = { from: Date; to: Date };

/** The minutes of a UTC day that belong to a range: from `low` on, before `high`. */
export type Span = { range: number; day: string; low: number; high: number };

/** Where days begin: in a time zone with its daylight saving time, or at a fixed offset from UTC. */
export type Zone = { timezone: string } | { offsetHours: number };

/** The days that the ranges touch. `range` is a range's position. */
export function spansOf(ranges: readonly Range[]): Span[] {
  return ranges.flatMap(({ from, to }, range) => {
    const spans: Span[] = [];
    for (let day = Math.floor(from.getTime() / DAY_MS) * DAY_MS; day < to.getTime(); day += DAY_MS) {
      const minute = (at: Date) => Math.max(0, Math.min(DAY_MINUTES, (at.getTime() - day) / MINUTE_MS));
      spans.push({ range, day: dateOf(day), low: Math.floor(minute(from)), high: Math.ceil(minute(to)) });
    }
    return spans;
  });
}

/** The last days of the zone, today included, oldest first. */
export function lastDays(zone: Zone, now: Date, count: number): (Range & { date: string })[] {
  const today = dayIn(zone, now);
  return Array.from({ length: count }, (_, index) => {
    const day = today - count + 1 + index;
    return { date: dateOf(day * DAY_MS), from: startOf(zone, day), to: startOf(zone, day + 1) };
  });
}

/** The zone's offset from UTC at that time, in whole hours. */
export function offsetHours(zone: Zone, at: Date): number {
  if ("offsetHours" in zone) return zone.offsetHours;
  const midnight = startOf(zone, dayIn(zone, at));
  return Math.round((dayIn(zone, at) * DAY_MS - midnight.getTime()) / HOUR_MS);
}

/**
 * Splits the range into parts of this length; the last one may be shorter. By `clockChangeMs` local time was set forward
 * within the range (negative: back): the last part takes the difference.
 */
export function intervalsOf({ from, to }: Range, lengthMs: number, clockChangeMs: number): Range[] {
  const count = Math.max(1, Math.ceil((to.getTime() - from.getTime() + clockChangeMs) / lengthMs));
  return Array.from({ length: count }, (_, index) => ({
    from: new Date(from.getTime() + index * lengthMs),
    to: index === count - 1 ? to : new Date(from.getTime() + (index + 1) * lengthMs),
  }));
}

/** Days since 1970-01-01. */
function dayIn(zone: Zone, at: Date): number {
  if ("timezone" in zone) return dayNumber(at, zone.timezone);
  return Math.floor((at.getTime() + zone.offsetHours * HOUR_MS) / DAY_MS);
}

/** The first minute of the day, which is not 00:00 where the clock changes at midnight. */
function startOf(zone: Zone, day: number): Date {
  if ("offsetHours" in zone) return new Date(day * DAY_MS - zone.offsetHours * HOUR_MS);
  let [before, start] = [day * DAY_MS - 15 * HOUR_MS, day * DAY_MS + 15 * HOUR_MS];
  while (start - before > MINUTE_MS) {
    const middle = before + Math.floor((start - before) / 2 / MINUTE_MS) * MINUTE_MS;
    if (dayIn(zone, new Date(middle)) < day) before = middle;
    else start = middle;
  }
  return new Date(start);
}

function dateOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}
