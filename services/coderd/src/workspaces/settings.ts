import { type Clock, FleetError } from "@fleet/base";
import type { Action } from "@fleet/rbac";
import type { Actor } from "../auth/actor.js";
import type { Builds } from "../builds/service.js";
import { workspaceChannel } from "../pubsub/channels.js";
import type { Pubsub } from "../pubsub/pubsub.js";
import { nextStart, parseAutostart } from "../schedules/autostart.js";
import { nameViolation } from "../users/service.js";
import { BadWorkspace } from "./errors.js";
import type { WorkspaceRow, WorkspaceStore } from "./store.js";

const MINUTE_MS = 60_000;
const TTL_MIN_MS = MINUTE_MS;
/** 30 days, as upstream. */
const TTL_MAX_MS = 30 * 24 * 60 * MINUTE_MS;
const EXTEND_MIN_MS = 30 * MINUTE_MS;

/** Workspace settings that users can change. All throw WorkspaceNotFound if the actor may not update the workspace. */
export type WorkspaceSettings = {
  /** @throws WorkspaceNameTaken if the owner already has a workspace with this name. */
  rename(actor: Actor, id: string, name: string | undefined): Promise<void>;
  /** Sets the autostart schedule, a cron expression; undefined removes it. */
  setAutostart(actor: Actor, id: string, schedule: string | undefined): Promise<void>;
  /** Takes effect at the next start; removing it takes effect immediately. */
  setTtl(actor: Actor, id: string, ttlMs: number | undefined): Promise<void>;
  /** Sets the deadline of the running workspace. */
  extend(actor: Actor, id: string, deadline: Date): Promise<Date>;
  /** Whether starts use the template's active version. */
  setAutomaticUpdates(actor: Actor, id: string, automaticUpdates: "always" | "never"): Promise<void>;
};

export type WorkspaceSettingsOptions = {
  require(actor: Actor, action: Action, id: string): Promise<WorkspaceRow>;
  store: WorkspaceStore;
  builds: Pick<Builds, "inWorkspace">;
  pubsub: Pubsub;
  clock: Clock;
};

export function createWorkspaceSettings({
  require,
  store,
  builds,
  pubsub,
  clock,
}: WorkspaceSettingsOptions): WorkspaceSettings {
  function changed(id: string): void {
    pubsub.publish(workspaceChannel(id), {});
  }

  return {
    async rename(actor, id, name) {
      const row = await require(actor, "update", id);
      if (name === undefined || name === row.name) return;
      const violation = nameViolation(name, "name");
      if (violation) throw new BadWorkspace("name", violation.detail);
      await store.update(id, { name });
      changed(id);
    },

    async setAutostart(actor, id, schedule) {
      const row = await require(actor, "update", id);
      if (schedule && !row.templateAllowAutostart) {
        throw new BadWorkspace("schedule", "The template does not allow users to set autostart.");
      }
      await store.update(id, autostartOf(schedule, row.templateAutostartDays, clock.now(), "schedule"));
      changed(id);
    },

    async setTtl(actor, id, ttlMs) {
      const row = await require(actor, "update", id);
      if (!row.templateAllowAutostop)
        throw new BadWorkspace("ttl_ms", "The template does not allow users to set autostop.");
      const checked = checkTtl(ttlMs || undefined) ?? null;
      await builds.inWorkspace(id, async ({ tx, workspace }) => {
        await store.update(id, { ttlMs: checked }, tx);
        if (checked === null)
          await store.setDeadline(tx, workspace.latestBuildId!, workspace.latestMaxDeadline);
      });
      changed(id);
    },

    async extend(actor, id, deadline) {
      await require(actor, "update", id);
      const extended = await builds.inWorkspace(id, async ({ tx, workspace }) => {
        const { latestTransition, latestStatus, latestDeadline, latestMaxDeadline } = workspace;
        if (latestTransition !== "start" || latestStatus !== "succeeded") {
          throw new FleetError(
            "conflict",
            "The workspace is not running, so there is no deadline to extend.",
          );
        }
        if (!latestDeadline) {
          throw new FleetError(
            "conflict",
            "The workspace was started without autostop and runs until it is stopped. Autostop changes take effect at the next start.",
          );
        }
        if (deadline.getTime() < clock.now().getTime() + EXTEND_MIN_MS) {
          throw new BadWorkspace("deadline", "The deadline must be at least 30 minutes in the future.");
        }
        if (latestMaxDeadline && deadline > latestMaxDeadline) {
          throw new BadWorkspace(
            "deadline",
            `The template requires this workspace to stop by ${latestMaxDeadline.toISOString()}.`,
          );
        }
        await store.setDeadline(tx, workspace.latestBuildId!, deadline);
        return deadline;
      });
      changed(id);
      return extended;
    },

    async setAutomaticUpdates(actor, id, automaticUpdates) {
      await require(actor, "update", id);
      await store.update(id, { automaticUpdates });
      changed(id);
    },
  };
}

/**
 * The columns of an autostart schedule. @throws a validation error for the field if it is not a weekly cron
 * expression.
 */
export function autostartOf(schedule: string | undefined, days: readonly string[], now: Date, field: string) {
  if (!schedule) return { autostartSchedule: null, nextStartAt: null, scheduleRetryAt: null };
  parseAutostart(schedule, field);
  return { autostartSchedule: schedule, nextStartAt: nextStart(schedule, days, now), scheduleRetryAt: null };
}

/** @throws BadWorkspace for an autostop that is too short or too long. */
export function checkTtl(ttlMs: number | undefined): number | undefined {
  if (ttlMs === undefined || ttlMs === 0) return undefined;
  if (ttlMs < TTL_MIN_MS) throw new BadWorkspace("ttl_ms", "The autostop must be at least one minute.");
  if (ttlMs > TTL_MAX_MS) throw new BadWorkspace("ttl_ms", "The autostop must be at most 30 days.");
  return ttlMs;
}
