import { momentsAfter, parseSchedule, type Schedule, weekdayOf } from "./cron.js";

/** Starts that are looked at to find one on an allowed day. */
const LOOK_AHEAD = 14;

/** Reads when a workspace starts automatically. Throws with a sentence for the field. */
export function parseAutostart(text: string, field = "schedule"): Schedule {
  return parseSchedule(text, field, "CRON_TZ=Europe/Berlin 30 9 * * 1-5");
}

/** The next start after `after` on one of the allowed days (`monday` …); null when no day is allowed. */
export function nextStart(text: string, allowedDays: readonly string[], after: Date): Date | null {
  const schedule = parseAutostart(text);
  let looked = 0;
  for (const moment of momentsAfter(schedule, after)) {
    if (allowedDays.includes(weekdayOf(moment, schedule.timezone))) return moment;
    if (++looked >= LOOK_AHEAD) return null;
  }
  return null;
}
