import { nextTime, parseSchedule, type Schedule, type Weekday, weekdayOf } from "./cron.js";

/** Parses an autostart schedule. Throws a validation error for the field. */
export function parseAutostart(text: string, field = "schedule"): Schedule {
  return parseSchedule(text, field, "CRON_TZ=Europe/Berlin 30 9 * * 1-5");
}

/** The next start after `after` on an allowed day (`monday` …); null if no day is allowed. */
export function nextStart(text: string, allowedDays: readonly string[], after: Date): Date | null {
  const days = allowedDays as readonly Weekday[];
  return nextTime(parseAutostart(text), after, (day) => days.includes(weekdayOf(day)));
}

/** Whether the schedule has a start at that time, on the days that are allowed. */
export function isStart(text: string, allowedDays: readonly string[], time: Date): boolean {
  return nextStart(text, allowedDays, new Date(time.getTime() - 1))?.getTime() === time.getTime();
}
