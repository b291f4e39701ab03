import { type Clock, FleetError } from "@fleet/base";
import type { Actor } from "../auth/actor.js";
import { nextTime } from "../schedules/cron.js";
import { parseQuietHours, quietHoursOf } from "../schedules/quiet-hours.js";
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

/** When a template's required stops happen: at night, in the user's time zone. */
export type QuietHoursOfUsers = {
  /** The user's own schedule, or the deployment's default. */
  get(actor: Actor, user: string): Promise<QuietHours>;
  /** An empty schedule resets it to the deployment's default. */
  set(actor: Actor, user: string, schedule: string): Promise<QuietHours>;
};

export function createQuietHours(options: {
  users: Users;
  store: UserStore;
  /** Sets the deadlines of running workspaces anew. */
  requiredStops: { follow(of: { ownerId: string }): Promise<void> };
  clock: Clock;
  defaultSchedule: string;
  userCanSet: boolean;
}): QuietHoursOfUsers {
  const { users, store, userCanSet, defaultSchedule } = options;
  parseQuietHours(defaultSchedule);

  function describe(own: string | null): QuietHours {
    const schedule = quietHoursOf(own, options);
    const parsed = parseQuietHours(schedule);
    const { timezone, hour, minute } = parsed;
    return {
      schedule,
      userSet: schedule === own,
      userCanSet,
      time: `${String(hour).padStart(2, "0")}:${String(minute).padStart(2, "0")}`,
      timezone,
      next: nextTime(parsed, options.clock.now())!,
    };
  }

  return {
    async get(actor, user) {
      return describe((await users.require(actor, "read", user)).quietHours);
    },

    async set(actor, user, schedule) {
      const row = await users.requireManaged(actor, "update_personal", user);
      if (!userCanSet) {
        throw new FleetError(
          "permission_denied",
          "This deployment does not allow users to set their own quiet hours.",
        );
      }
      if (schedule) parseQuietHours(schedule);
      const { quietHours } = await store.update(row.id, { quietHours: schedule || null });
      await options.requiredStops.follow({ ownerId: row.id });
      return describe(quietHours);
    },
  };
}
