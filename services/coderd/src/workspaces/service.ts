import { randomUUID } from "node:crypto";
import { type Clock, FleetError } from "@fleet/base";
import type { Action } from "@fleet/rbac";
import type { Actor } from "../auth/actor.js";
import { authorizer, requireUser } from "../auth/authorizer.js";
import { accessOf } from "../auth/template-access.js";
import { type Builds, type BuildView, buildOfJob, type CreateBuild } from "../builds/service.js";
import type { BuildStore } from "../builds/store.js";
import type { Transaction } from "../database/transaction.js";
import { BadParameters } from "../parameters/errors.js";
import { resolveParameters } from "../parameters/parameters.js";
import type { ProvisionerJobs } from "../provisionerjobs/service.js";
import { workspaceChannel } from "../pubsub/channels.js";
import { hintsOf } from "../pubsub/hints.js";
import type { Pubsub } from "../pubsub/pubsub.js";
import { nextStart, parseAutostart } from "../schedules/autostart.js";
import { TemplateNotFound } from "../templates/errors.js";
import { definitionOf, type VersionStore } from "../templateversions/store.js";
import { UserNotFound } from "../users/errors.js";
import { nameViolation } from "../users/service.js";
import type { WorkspaceActivity } from "./activity-store.js";
import { BadWorkspace, WorkspaceNotFound } from "./errors.js";
import { parseWorkspaceQuery } from "./query.js";
import type { WorkspaceRow, WorkspaceStore } from "./store.js";

/** Workspaces: to create, find and schedule them. */
export type Workspaces = {
  /** The workspace when the actor may do this to it. */
  require(actor: Actor, action: Action, id: string, includeDeleted?: boolean): Promise<WorkspaceRow>;
  /** The workspace with its latest build. */
  withBuild(row: WorkspaceRow): Promise<WorkspaceView>;
  /** @throws WorkspaceNotFound where there is none, or the actor may not read it. */
  get(actor: Actor, id: string, includeDeleted: boolean): Promise<WorkspaceView>;
  /** By its owner and name. */
  requireByName(
    actor: Actor,
    action: Action,
    owner: string,
    name: string,
    includeDeleted: boolean,
  ): Promise<WorkspaceRow>;
  /** One page of the workspaces that match the query and that the actor may read, and how many there are in all. */
  list(
    actor: Actor,
    query: string,
    page: { limit?: number | undefined; offset?: number | undefined; afterId?: string | undefined },
  ): Promise<{ workspaces: WorkspaceView[]; count: number }>;
  /** Writes a workspace and its first build; once for each key. */
  create(actor: Actor, request: CreateWorkspace): Promise<WorkspaceView>;
  /** @throws WorkspaceNameTaken where the owner has a workspace of this name. */
  rename(actor: Actor, id: string, name: string | undefined): Promise<void>;
  /** Sets the autostart schedule, a cron expression; undefined removes it. */
  setAutostart(actor: Actor, id: string, schedule: string | undefined): Promise<void>;
  /** Takes effect at the next start; taking it away, at once. */
  setTtl(actor: Actor, id: string, ttlMs: number | undefined): Promise<void>;
  /** Moves the deadline of what runs. */
  extend(actor: Actor, id: string, deadline: Date): Promise<Date>;
  /** Undefined where nothing changes. */
  setDormant(actor: Actor, id: string, dormant: boolean): Promise<WorkspaceView | undefined>;
  /** Whether a start takes the template's active version. */
  setAutomaticUpdates(actor: Actor, id: string, automaticUpdates: "always" | "never"): Promise<void>;
  /** Adds the workspace to the actor's favorites, or removes it. */
  setFavorite(actor: Actor, id: string, favorite: boolean): Promise<void>;
  /** Says that the workspace is in use. */
  use(actor: Actor, id: string): Promise<void>;
  /** True where the active version asks for a parameter that the workspace has no value for. */
  parameterMismatch(actor: Actor, id: string): Promise<boolean>;
  /** The workspace as it is, and again each time that something of it changes, until it is gone. */
  watch(actor: Actor, id: string, signal: AbortSignal): Promise<AsyncGenerator<WorkspaceView>>;
};

/** A workspace with its latest build. */
export type WorkspaceView = { row: WorkspaceRow; latest: BuildView };

export type CreateWorkspace = {
  ownerId: string;
  /** Where the path names it. */
  organizationId?: string | undefined;
  templateId?: string | undefined;
  versionId?: string | undefined;
  name: string;
  autostartSchedule?: string | undefined;
  ttlMs?: number | undefined;
  automaticUpdates: "always" | "never";
  build: Pick<CreateBuild, "parameters" | "presetId" | "traceContext" | "idempotency">;
};

const PAGE_LIMIT = 1_000;
const MINUTE_MS = 60_000;
const TTL_MIN_MS = MINUTE_MS;
/** 30 days, as upstream. */
const TTL_MAX_MS = 30 * 24 * 60 * MINUTE_MS;
const EXTEND_MIN_MS = 30 * MINUTE_MS;
/** A watcher looks by itself this often. */
const WATCH_POLL_MS = 15_000;

export type WorkspacesOptions = {
  store: WorkspaceStore;
  builds: Builds;
  buildStore: BuildStore;
  versions: VersionStore;
  jobs: ProvisionerJobs;
  activity: WorkspaceActivity;
  pubsub: Pubsub;
  clock: Clock;
};

export function createWorkspaces(options: WorkspacesOptions): Workspaces {
  const { store, builds, buildStore, versions, jobs, activity, pubsub, clock } = options;

  async function require(
    actor: Actor,
    action: Action,
    id: string,
    includeDeleted = false,
  ): Promise<WorkspaceRow> {
    return requireRow(actor, action, await store.find(id, includeDeleted, viewerId(actor)));
  }

  function requireRow(actor: Actor, action: Action, row: WorkspaceRow | undefined): WorkspaceRow {
    if (!row) throw new WorkspaceNotFound();
    const object = {
      type: "workspace",
      id: row.id,
      ownerId: row.ownerId,
      orgId: row.organizationId,
    } as const;
    authorizer.require(actor, action, object, new WorkspaceNotFound());
    return row;
  }

  async function withBuilds(rows: readonly WorkspaceRow[]): Promise<WorkspaceView[]> {
    const latest = new Map(
      (await builds.byIds(rows.map((row) => row.latestBuildId))).map((view) => [view.row.id, view]),
    );
    return rows.flatMap((row) => {
      const build = latest.get(row.latestBuildId);
      return build ? [{ row, latest: build }] : [];
    });
  }

  async function withBuild(row: WorkspaceRow): Promise<WorkspaceView> {
    const [view] = await withBuilds([row]);
    if (!view) throw new WorkspaceNotFound();
    return view;
  }

  function changed(id: string): void {
    pubsub.publish(workspaceChannel(id), {});
  }

  /** The template by itself or by one of its versions: exactly one of them is to be named. */
  async function templateOf(actor: Actor, request: CreateWorkspace) {
    const { templateId, versionId } = request;
    if ((templateId === undefined) === (versionId === undefined)) {
      throw new BadWorkspace("template_id", "Name a template or one of its versions, and not both.");
    }
    const field = versionId ? "template_version_id" : "template_id";
    const id = templateId ?? (await store.versionTemplate(versionId!))?.templateId;
    const template = id ? await store.template(id) : null;
    if (!template || (request.organizationId && template.organizationId !== request.organizationId)) {
      throw new TemplateNotFound(field);
    }
    authorizer.require(actor, "use", accessOf(template), new TemplateNotFound(field));
    if (template.deprecationMessage) {
      throw new BadWorkspace(field, `This template is deprecated: ${template.deprecationMessage}`);
    }
    return template;
  }

  async function createOne(actor: Actor, request: CreateWorkspace): Promise<WorkspaceView> {
    const { userId } = requireUser(actor);
    const violation = nameViolation(request.name, "name");
    if (violation) throw new BadWorkspace("name", violation.detail);
    const template = await templateOf(actor, request);
    const { organizationId } = template;
    authorizer.require(
      actor,
      "create",
      { type: "workspace", ownerId: request.ownerId, orgId: organizationId },
      // Who may not see the owner is not told that there is one.
      authorizer.can(actor, "read", { type: "user", id: request.ownerId, ownerId: request.ownerId })
        ? new FleetError("permission_denied", "You may not create workspaces for this user here.")
        : new UserNotFound(),
    );
    const owner = await store.owner(request.ownerId);
    if (!owner?.memberships.some((membership) => membership.organizationId === organizationId)) {
      throw new BadWorkspace("template_id", "The owner is not a member of the template's organization.");
    }
    if (request.autostartSchedule && !template.allowUserAutostart) {
      throw new BadWorkspace("autostart_schedule", "The template does not allow setting an autostart.");
    }
    const ttlMs = checkTtl(template.allowUserAutostop ? request.ttlMs : undefined);
    const now = clock.now();
    const id = randomUUID();
    const isAdmin = authorizer.can(actor, "update", accessOf(template));
    const insert = (tx: Transaction) =>
      store.insert(tx, {
        id,
        ownerId: owner.id,
        organizationId,
        templateId: template.id,
        name: request.name,
        ttlMs: ttlMs ?? (Number(template.defaultTtlMs) || null),
        automaticUpdates: request.automaticUpdates,
        createdAt: now,
        ...autostartOf(
          request.autostartSchedule,
          template.autostartRequirementDays,
          now,
          "autostart_schedule",
        ),
      });
    await builds.inWorkspace(
      id,
      ({ write }) =>
        write(
          userId,
          {
            ...request.build,
            transition: "start",
            versionId: request.versionId ?? template.activeVersionId,
          },
          isAdmin,
        ),
      insert,
    );
    return withBuild((await store.find(id, false, userId))!);
  }

  return {
    require,
    withBuild,

    get: async (actor, id, includeDeleted) => withBuild(await require(actor, "read", id, includeDeleted)),

    async requireByName(actor, action, owner, name, includeDeleted) {
      const user = await store.owner(owner === "me" ? requireUser(actor).userId : owner);
      if (!user) throw new WorkspaceNotFound();
      return requireRow(
        actor,
        action,
        await store.findByName(user.id, name, includeDeleted, viewerId(actor)),
      );
    },

    async list(actor, query, page) {
      const user = requireUser(actor);
      const limit = Math.min(page.limit || PAGE_LIMIT, PAGE_LIMIT);
      const viewer = { userId: user.userId, reach: authorizer.reach(user, "read", "workspace") };
      const { rows, count } = await store.list(
        viewer,
        parseWorkspaceQuery(query),
        { limit, offset: page.offset ?? 0, afterId: page.afterId },
        clock.now(),
      );
      return { workspaces: await withBuilds(rows), count };
    },

    create(actor, request) {
      return jobs.once(
        request.build.idempotency,
        async (job) => {
          const latest = await builds.get(actor, buildOfJob(job));
          return { row: await require(actor, "read", latest.row.workspaceId, true), latest };
        },
        () => createOne(actor, request),
      );
    },

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
        throw new BadWorkspace("schedule", "The template does not allow setting an autostart.");
      }
      await store.update(id, autostartOf(schedule, row.templateAutostartDays, clock.now(), "schedule"));
      changed(id);
    },

    async setTtl(actor, id, ttlMs) {
      const row = await require(actor, "update", id);
      if (!row.templateAllowAutostop)
        throw new BadWorkspace("ttl_ms", "The template does not allow setting an autostop.");
      const checked = checkTtl(ttlMs || undefined) ?? null;
      await builds.inWorkspace(id, async ({ tx, workspace }) => {
        await store.update(id, { ttlMs: checked }, tx);
        if (checked === null)
          await store.setDeadline(tx, workspace.latestBuildId!, workspace.latestMaxDeadline);
      });
    },

    async extend(actor, id, deadline) {
      await require(actor, "update", id);
      return builds.inWorkspace(id, async ({ tx, workspace }) => {
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
            "The workspace was started without an autostop, so it runs until it is stopped. An autostop takes effect at the next start.",
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
    },

    async setDormant(actor, id, dormant) {
      const row = await require(actor, "update", id);
      const deleteAfter = Number(row.templateTimeTilDeleteMs);
      const changes = await builds.inWorkspace(id, async ({ tx, workspace }) => {
        if (dormant === (workspace.dormantAt !== null)) return false;
        const now = clock.now();
        await store.update(
          id,
          dormant
            ? { dormantAt: now, deletingAt: deleteAfter > 0 ? new Date(now.getTime() + deleteAfter) : null }
            : {
                dormantAt: null,
                deletingAt: null,
                lastUsedAt: now,
                // What was due meanwhile is not made up for.
                nextStartAt: row.autostartSchedule
                  ? nextStart(row.autostartSchedule, row.templateAutostartDays, now)
                  : null,
              },
          tx,
        );
        return true;
      });
      if (!changes) return undefined;
      return withBuild((await store.find(id, false, viewerId(actor)))!);
    },

    async setAutomaticUpdates(actor, id, automaticUpdates) {
      await require(actor, "update", id);
      await store.update(id, { automaticUpdates });
      changed(id);
    },

    async setFavorite(actor, id, favorite) {
      await require(actor, "update", id);
      await store.setFavorite(requireUser(actor).userId, id, favorite);
    },

    async use(actor, id) {
      await require(actor, "update", id);
      await activity.record([id], clock.now());
    },

    async parameterMismatch(actor, id) {
      const row = await require(actor, "read", id);
      if (row.automaticUpdates !== "always" || row.latestVersionId === row.templateActiveVersionId)
        return false;
      const definitions = (await versions.parameters(row.templateActiveVersionId)).map(definitionOf);
      const previous = await buildStore.parameters(row.latestBuildId);
      try {
        resolveParameters({ definitions, transition: "start", given: [], previous });
        return false;
      } catch (error) {
        if (error instanceof BadParameters) return true;
        throw error;
      }
    },

    async watch(actor, id, signal) {
      await require(actor, "read", id, true);
      const hints = await hintsOf(pubsub, workspaceChannel(id), clock, signal, WATCH_POLL_MS);
      const look = async () =>
        withBuild(requireRow(actor, "read", await store.find(id, true, viewerId(actor))));
      return (async function* () {
        while (!signal.aborted) {
          yield await look();
          await hints.next();
        }
      })();
    },
  };
}

function viewerId(actor: Actor): string {
  return actor.kind === "user" ? actor.userId : "00000000-0000-0000-0000-000000000000";
}

function autostartOf(schedule: string | undefined, days: readonly string[], now: Date, field: string) {
  if (!schedule) return { autostartSchedule: null, nextStartAt: null };
  parseAutostart(schedule, field);
  return { autostartSchedule: schedule, nextStartAt: nextStart(schedule, days, now) };
}

function checkTtl(ttlMs: number | undefined): number | undefined {
  if (ttlMs === undefined || ttlMs === 0) return undefined;
  if (ttlMs < TTL_MIN_MS) throw new BadWorkspace("ttl_ms", "The autostop must be at least one minute.");
  if (ttlMs > TTL_MAX_MS) throw new BadWorkspace("ttl_ms", "The autostop must be at most 30 days.");
  return ttlMs;
}
