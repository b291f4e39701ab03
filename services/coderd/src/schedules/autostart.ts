import { nextTime, parseSchedule, type Schedule, type Weekday, weekdayOf } from "./cron.js";

/** Parses an autostart schedule. Throws a validation error for the field. */
export function parseAutostart(text: string, field = "schedule"): Schedule {
  return parseSchedule(text, field, "CRON_TZ=Europe/Berlin 30 9 * * 1-5");
}

/** Parsed schedules that are kept: those of a deployment's workspaces are alike. */
const MAX_PARSED = 1_000;
const parsed = new Map<string, Schedule>();

function parsedAutostart(text: string): Schedule {
  let schedule = parsed.get(text);
  if (!schedule) {
    schedule = parseAutostart(text);
    if (parsed.size >= MAX_PARSED) parsed.clear();
    parsed.set(text, schedule);
  }
  return schedule;
}

/** The next start after `after` on an allowed day (`monday` …); null if no day is allowed. */
export function nextStart(text: string, allowedDays: readonly string[], after: Date): Date | null {
  const days = allowedDays as readonly Weekday[];
  return nextTime(parsedAutostart(text), after, (day) => days.includes(weekdayOf(day)));
}

/** Whether the schedule has a start at that time, on the days that are allowed. */
export function isStart(text: string, allowedDays: readonly string[], time: Date): boolean {
  return nextStart(text, allowedDays, new Date(time.getTime() - 1))?.getTime() === time.getTime();
}
