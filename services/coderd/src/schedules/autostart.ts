import { momentsAfter, parseSchedule, type Schedule, weekdayOf } from "./cron.js";

/** Scheduled starts to search for one on an allowed day. */
const LOOK_AHEAD = 14;

/** Parses an autostart schedule. Throws a validation error for the field. */
export function parseAutostart(text: string, field = "schedule"): Schedule {
  return parseSchedule(text, field, "CRON_TZ=Europe/Berlin 30 9 * * 1-5");
}

/** The next start after `after` on an allowed day (`monday` …); null if no day is allowed. */
export function nextStart(text: string, allowedDays: readonly string[], after: Date): Date | null {
  const schedule = parseAutostart(text);
  let looked = 0;
  for (const moment of momentsAfter(schedule, after)) {
    if (allowedDays.includes(weekdayOf(moment, schedule.timezone))) return moment;
    if (++looked >= LOOK_AHEAD) return null;
  }
  return null;
}
