import { randomUUID } from "node:crypto";
import { type Clock, FleetError, isFleetError, isUuid } from "@fleet/base";
import type { Action } from "@fleet/rbac";
import type { Actor } from "../auth/actor.js";
import { authorizer, requireUser } from "../auth/authorizer.js";
import { accessOf, type TemplateAcl, type TemplateRole } from "../auth/template-access.js";
import type { Notifier } from "../notifications/notifier.js";
import { isActive, statusOf } from "../provisionerjobs/status.js";
import type { RolloutStore } from "../rollouts/store.js";
import { WEEKDAYS } from "../schedules/cron.js";
import type { TemplateVersions } from "../templateversions/service.js";
import { BadTemplate, TemplateInUse, TemplateNotFound } from "./errors.js";
import { createTemplateEvents } from "./events.js";
import type {
  AclChange,
  BuildTime,
  TemplateFilter,
  TemplateRow,
  TemplateSettings,
  TemplateStore,
} from "./store.js";

/** Templates and the policies of their workspaces. */
export type Templates = {
  /** The template, if the actor may perform this action on it. @throws TemplateNotFound. */
  require(actor: Actor, action: Action, id: string): Promise<TemplateRow>;
  /** @throws TemplateNotFound if it does not exist or the actor may not read it. */
  get(actor: Actor, id: string): Promise<TemplateView>;
  /** The template by name, if the actor may perform this action on it. */
  requireByName(actor: Actor, action: Action, organizationId: string, name: string): Promise<TemplateRow>;
  /** @throws TemplateNotFound if it does not exist or the actor may not read it. */
  getByName(actor: Actor, organizationId: string, name: string): Promise<TemplateView>;
  /** Templates that the actor may read. */
  list(actor: Actor, filter: TemplateFilter): Promise<TemplateView[]>;
  /** Creates a template from a version whose import succeeded. */
  create(actor: Actor, request: CreateTemplate): Promise<TemplateView>;
  /** Updates the given settings; others are unchanged. */
  update(actor: Actor, id: string, change: UpdateTemplate): Promise<TemplateView>;
  /** @throws TemplateInUse while it has workspaces. */
  delete(actor: Actor, id: string): Promise<void>;
  /** Makes the version the template's active version. Ends a rollout of the template. */
  promote(actor: Actor, id: string, versionId: string): Promise<void>;
  /** Archives versions that no workspace uses: only failed ones, or all. Returns their ids. */
  archiveUnused(actor: Actor, id: string, all: boolean): Promise<string[]>;
  /** Sets roles of members and groups of the template's organization; an empty role removes the entry. */
  updateAcl(
    actor: Actor,
    id: string,
    change: { users: Record<string, TemplateRole | "">; groups: Record<string, TemplateRole | ""> },
  ): Promise<void>;
};

/** A template with its statistics. */
export type TemplateView = { row: TemplateRow; activeUsers: number; buildTimes: BuildTime[] };

export type CreateTemplate = TemplateSettings & {
  organizationId: string;
  name: string;
  versionId: string;
  closedToEveryone: boolean;
};

export type UpdateTemplate = TemplateSettings & {
  closedToEveryone?: boolean | undefined;
  resetLastUsed?: boolean | undefined;
  resetDormant?: boolean | undefined;
};

const TEMPLATE_NAME = /^[a-zA-Z0-9]+(?:-[a-zA-Z0-9]+)*$/;
const NAME_LIMIT = 32;
const DISPLAY_NAME_LIMIT = 64;
const DESCRIPTION_LIMIT = 512;
/** Settings that decide when running workspaces stop. */
const AUTOSTOP = [
  "autostopRequirementDays",
  "autostopRequirementWeeks",
  "allowUserAutostop",
  "defaultTtlMs",
] as const satisfies readonly (keyof TemplateSettings)[];
/** A user counts as active for a week after the last use. */
const ACTIVE_MS = 7 * 24 * 3_600_000;

export function createTemplates({
  store,
  versions,
  rollouts,
  requiredStops,
  notifier,
  clock,
}: {
  store: TemplateStore;
  versions: TemplateVersions;
  rollouts: Pick<RolloutStore, "endBy">;
  /** Sets the deadlines of running workspaces anew. */
  requiredStops: { follow(of: { templateId: string }): Promise<void> };
  notifier: Notifier;
  clock: Clock;
}): Templates {
  const events = createTemplateEvents(notifier, store);

  function requireRow(actor: Actor, action: Action, row: TemplateRow | null): TemplateRow {
    if (!row) throw new TemplateNotFound();
    authorizer.require(actor, action, accessOf(row), new TemplateNotFound());
    return row;
  }

  const require = async (actor: Actor, action: Action, id: string) =>
    requireRow(actor, action, await store.find(id));

  async function withStatistics(rows: readonly TemplateRow[]): Promise<TemplateView[]> {
    const ids = rows.map(({ id }) => id);
    const since = new Date(clock.now().getTime() - ACTIVE_MS);
    const [users, times] = await Promise.all([store.activeUsers(ids, since), store.buildTimes(ids)]);
    const byTemplate = Map.groupBy(times, ({ templateId }) => templateId);
    return rows.map((row) => ({
      row,
      activeUsers: users.get(row.id) ?? 0,
      buildTimes: byTemplate.get(row.id) ?? [],
    }));
  }

  /** Undefined if it does not exist or the actor may not read it; other errors, such as an outage, are rethrown. */
  async function versionIfThere(actor: Actor, versionId: string) {
    try {
      return await versions.require(actor, "update", versionId);
    } catch (error) {
      if (isFleetError(error, "not_found")) return undefined;
      throw error;
    }
  }

  const withStatistic = async (row: TemplateRow) => (await withStatistics([row]))[0]!;

  return {
    require,
    get: async (actor, id) => withStatistic(await require(actor, "read", id)),

    async requireByName(actor, action, organizationId, name) {
      return requireRow(actor, action, await store.findByName(organizationId, name));
    },

    async getByName(actor, organizationId, name) {
      return withStatistic(requireRow(actor, "read", await store.findByName(organizationId, name)));
    },

    async list(actor, filter) {
      const reach = authorizer.reach(requireUser(actor), "read", "template");
      return withStatistics(await store.list(filter, reach));
    },

    async create(actor, request) {
      const { userId } = requireUser(actor);
      const { organizationId, versionId, closedToEveryone, ...settings } = request;
      authorizer.require(
        actor,
        "create",
        { type: "template", orgId: organizationId },
        new TemplateNotFound(),
      );
      checkSettings(settings);
      const version = await versionIfThere(actor, versionId);
      if (!version || version.organizationId !== organizationId) {
        throw new BadTemplate("template_version_id", "Template version not found in this organization.");
      }
      const status = statusOf(version.job);
      if (isActive(status))
        throw new BadTemplate(
          "template_version_id",
          "The version is still being imported. Wait for its job to finish.",
        );
      if (status !== "succeeded")
        throw new BadTemplate("template_version_id", "The version failed to import. See its log.");
      const row = version.templateId
        ? undefined
        : await store.insert({
            ...settings,
            id: randomUUID(),
            organizationId,
            provisioner: version.job.provisioner,
            activeVersionId: versionId,
            createdBy: userId,
            groupAcl: closedToEveryone ? {} : { [organizationId]: ["use"] },
          });
      if (!row) throw new BadTemplate("template_version_id", "The version already belongs to a template.");
      return withStatistic(row);
    },

    async update(actor, id, change) {
      const row = await require(actor, "update", id);
      const { closedToEveryone, resetLastUsed, resetDormant, ...settings } = change;
      checkSettings(settings);
      if (closedToEveryone !== undefined) {
        const groupAcl: Record<string, string[]> = { ...(row.groupAcl as TemplateAcl) };
        if (closedToEveryone) delete groupAcl[row.organizationId];
        else groupAcl[row.organizationId] ??= ["use"];
        settings.groupAcl = groupAcl;
      }
      const now = clock.now();
      await store.touchWorkspaces(id, {
        ...(resetLastUsed ? { lastUsedAt: now } : {}),
        ...(resetDormant ? { dormantAt: now } : {}),
      });
      const updated = changes(row, settings) ? await store.update(id, settings) : row;
      if (resetDormant || settings.timeTilDormantAutodeleteMs !== undefined) {
        await store.followDeletion(id);
        await events.markedForDeletion(updated);
      }
      if (updated.deprecationMessage && updated.deprecationMessage !== row.deprecationMessage)
        await events.deprecated(updated, requireUser(actor).userId);
      if (settings.autostartRequirementDays !== undefined || settings.allowUserAutostart !== undefined)
        await store.followAutostart(id, now);
      if (AUTOSTOP.some((setting) => settings[setting] !== undefined))
        await requiredStops.follow({ templateId: id });
      return withStatistic(updated);
    },

    async delete(actor, id) {
      const row = await require(actor, "delete", id);
      const workspaces = await store.countWorkspaces(id);
      if (workspaces > 0) throw new TemplateInUse(workspaces);
      await store.delete(id);
      await rollouts.endBy(id, "The template was deleted.", null, clock.now());
      await events.deleted(row, requireUser(actor).userId);
    },

    async promote(actor, id, versionId) {
      const row = await require(actor, "update", id);
      const version = await versionIfThere(actor, versionId);
      if (version?.templateId !== row.id)
        throw new BadTemplate("id", "This version does not belong to the template.");
      if (version.archived) throw new BadTemplate("id", "The version is archived. Unarchive it first.");
      if (statusOf(version.job) !== "succeeded") {
        throw new BadTemplate("id", "Only a version whose import succeeded can be promoted.");
      }
      await store.setActiveVersion(id, versionId);
      await rollouts.endBy(id, "Another version was promoted.", versionId, clock.now());
    },

    async archiveUnused(actor, id, all) {
      await require(actor, "update", id);
      return versions.archiveUnused(id, all);
    },

    async updateAcl(actor, id, change) {
      const { organizationId } = await require(actor, "update", id);
      const users = aclChange("user_perms", change.users);
      const groups = aclChange("group_perms", change.groups);
      const strangers = await store.strangers(
        organizationId,
        Object.keys(users.given),
        Object.keys(groups.given),
      );
      const violations = [
        ...strangers.users.map((one) => ({
          field: "user_perms",
          detail: `The user ${one} is not a member of the template's organization.`,
        })),
        ...strangers.groups.map((one) => ({
          field: "group_perms",
          detail: `The group ${one} does not belong to the template's organization.`,
        })),
      ];
      if (violations[0]) {
        throw new FleetError("invalid_argument", violations[0].detail, { validations: violations });
      }
      await store.updateAcl(id, users, groups);
    },
  };
}

function changes(row: TemplateRow, settings: TemplateSettings): boolean {
  const current: Record<string, unknown> = row;
  const plain = (value: unknown) => JSON.stringify(typeof value === "bigint" ? Number(value) : value);
  return Object.entries(settings).some(
    ([key, value]) => value !== undefined && plain(current[key]) !== plain(value),
  );
}

function aclChange(field: string, roles: Record<string, TemplateRole | "">): AclChange {
  const given: Record<string, string[]> = {};
  const removed: string[] = [];
  for (const [id, role] of Object.entries(roles)) {
    if (!isUuid(id)) throw new BadTemplate(field, `"${id}" is not a valid ID. Use a UUID.`);
    if (role === "") removed.push(id, id.toLowerCase());
    else given[id.toLowerCase()] = [role];
  }
  return { given, removed };
}

function checkSettings(settings: TemplateSettings): void {
  const { name, displayName, description } = settings;
  if (name !== undefined && (name.length > NAME_LIMIT || !TEMPLATE_NAME.test(name))) {
    throw new BadTemplate(
      "name",
      `The name must be at most ${NAME_LIMIT} characters: letters and digits, separated by single hyphens.`,
    );
  }
  if ((displayName?.length ?? 0) > DISPLAY_NAME_LIMIT) {
    throw new BadTemplate(
      "display_name",
      `The display name must be at most ${DISPLAY_NAME_LIMIT} characters long.`,
    );
  }
  if ((description?.length ?? 0) > DESCRIPTION_LIMIT) {
    throw new BadTemplate(
      "description",
      `The description must be at most ${DESCRIPTION_LIMIT} characters long.`,
    );
  }
  const durations = {
    default_ttl_ms: settings.defaultTtlMs,
    activity_bump_ms: settings.activityBumpMs,
    failure_ttl_ms: settings.failureTtlMs,
    time_til_dormant_ms: settings.timeTilDormantMs,
    time_til_dormant_autodelete_ms: settings.timeTilDormantAutodeleteMs,
  };
  for (const [field, value] of Object.entries(durations)) {
    if (value !== undefined && value < 0) throw new BadTemplate(field, "A duration cannot be negative.");
  }
  for (const [field, days] of [
    ["autostop_requirement", settings.autostopRequirementDays],
    ["autostart_requirement", settings.autostartRequirementDays],
  ] as const) {
    const unknown = days?.find((day) => !(WEEKDAYS as readonly string[]).includes(day));
    if (unknown !== undefined)
      throw new BadTemplate(
        field,
        `"${unknown}" is not a day of the week. Use lowercase names such as monday.`,
      );
  }
  const weeks = settings.autostopRequirementWeeks;
  if (weeks !== undefined && (weeks < 0 || weeks > 16))
    throw new BadTemplate("autostop_requirement", "Weeks must be between 1 and 16.");
}
