import { CronExpressionParser } from "cron-parser";
import { BadWorkspace } from "./errors.js";

/** When a workspace starts by itself: `CRON_TZ=Area/City m h * * dow`, with one minute and one hour. */
export type AutostartSchedule = { timezone: string; cron: string };

const WEEKDAYS = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];
/** Starts that are looked at to find one on an allowed day. */
const LOOK_AHEAD = 14;

/** Reads the schedule. Throws with a sentence for the field. */
export function parseAutostart(text: string, field = "schedule"): AutostartSchedule {
  const match = /^(?:CRON_TZ=(\S+)\s+)?(\d{1,2})\s+(\d{1,2})\s+\*\s+\*\s+(\S+)$/.exec(text.trim());
  if (!match) {
    throw new BadWorkspace(
      field,
      "Write the schedule like CRON_TZ=Europe/Berlin 30 9 * * 1-5: one minute, one hour, and the days of the week.",
    );
  }
  const [, timezone = "UTC", minute, hour, days] = match;
  const cron = `${minute} ${hour} * * ${days}`;
  try {
    new Intl.DateTimeFormat("en", { timeZone: timezone });
    CronExpressionParser.parse(cron, { tz: timezone });
  } catch (cause) {
    throw new BadWorkspace(
      field,
      `The schedule cannot be used: ${cause instanceof Error ? cause.message : String(cause)}`,
    );
  }
  return { timezone, cron };
}

/** The next start after `after` on one of the allowed days (`monday` …); null when no day is allowed. */
export function nextStart(text: string, allowedDays: readonly string[], after: Date): Date | null {
  const { timezone, cron } = parseAutostart(text);
  const dates = CronExpressionParser.parse(cron, { tz: timezone, currentDate: after });
  for (let i = 0; i < LOOK_AHEAD; i++) {
    const date = dates.next().toDate();
    const day = new Intl.DateTimeFormat("en", { timeZone: timezone, weekday: "long" })
      .format(date)
      .toLowerCase();
    if (WEEKDAYS.includes(day) && allowedDays.includes(day)) return date;
  }
  return null;
}
