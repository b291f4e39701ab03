import { type Clock, FleetError } from "@fleet/base";
import { CronExpressionParser } from "cron-parser";
import type { Actor } from "../auth/actor.js";
import type { Users } from "./service.js";
import type { UserStore } from "./store.js";

export type QuietHours = {
  schedule: string;
  userSet: boolean;
  userCanSet: boolean;
  time: string;
  timezone: string;
  next: Date;
};

export type QuietHoursOfUsers = ReturnType<typeof createQuietHours>;

/** When the stops that a template requires happen: at night, where the user lives. */
export function createQuietHours(options: {
  users: Users;
  store: UserStore;
  clock: Clock;
  defaultSchedule: string;
  userCanSet: boolean;
}) {
  const { users, store, userCanSet, defaultSchedule } = options;
  parseQuietHours(defaultSchedule);

  function describe(own: string | null): QuietHours {
    const schedule = userCanSet && own ? own : defaultSchedule;
    const { timezone, hour, minute, cron } = parseQuietHours(schedule);
    const next = CronExpressionParser.parse(cron, { tz: timezone, currentDate: options.clock.now() });
    return {
      schedule,
      userSet: schedule === own,
      userCanSet,
      time: `${String(hour).padStart(2, "0")}:${String(minute).padStart(2, "0")}`,
      timezone,
      next: next.next().toDate(),
    };
  }

  return {
    async get(actor: Actor, user: string): Promise<QuietHours> {
      return describe((await users.require(actor, "read", user)).quietHours);
    },

    /** An empty schedule is the deployment's. */
    async set(actor: Actor, user: string, schedule: string): Promise<QuietHours> {
      const row = await users.requireManaged(actor, "update_personal", user);
      if (!userCanSet) {
        throw new FleetError(
          "permission_denied",
          "Quiet hours are the same for everybody in this deployment.",
        );
      }
      if (schedule) parseQuietHours(schedule);
      return describe((await store.update(row.id, { quietHours: schedule || null })).quietHours);
    },
  };
}

/** Reads `CRON_TZ=Area/City m h * * *`. Throws with a sentence for the field. */
function parseQuietHours(text: string): { timezone: string; hour: number; minute: number; cron: string } {
  const match = /^(?:CRON_TZ=(\S+)\s+)?(\d{1,2})\s+(\d{1,2})\s+\*\s+\*\s+\*$/.exec(text.trim());
  const [, timezone = "UTC", minute, hour] = match ?? [];
  const valid = match !== null && Number(minute) < 60 && Number(hour) < 24 && isTimezone(timezone);
  if (valid) return { timezone, hour: Number(hour), minute: Number(minute), cron: `${minute} ${hour} * * *` };
  const detail = `"${text}" is no time of day. Write it like CRON_TZ=Europe/Berlin 30 2 * * *.`;
  throw new FleetError("invalid_argument", detail, { validations: [{ field: "schedule", detail }] });
}

function isTimezone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
