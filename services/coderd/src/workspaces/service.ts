import { type Clock, isFleetError } from "@fleet/base";
import type { Action } from "@fleet/rbac";
import type { ActivityKind } from "../agents/activity.js";
import type { Actor } from "../auth/actor.js";
import { authorizer, requireUser } from "../auth/authorizer.js";
import { workspaceObject } from "../auth/workspace-access.js";
import type { PlanAhead } from "../builds/ahead.js";
import type { BuildEvents } from "../builds/events.js";
import { type Builds, type BuildView, buildOfJob } from "../builds/service.js";
import type { BuildStore } from "../builds/store.js";
import { startValues } from "../builds/values.js";
import { TemplateNotEvaluated } from "../evaluations/evaluation.js";
import { withEvaluations } from "../evaluations/needed.js";
import type { Evaluations } from "../evaluations/service.js";
import type { Notifier } from "../notifications/notifier.js";
import { BadParameters } from "../parameters/errors.js";
import { resolveParameters } from "../parameters/parameters.js";
import type { Prebuilds } from "../prebuilds/service.js";
import type { ProvisionerJobs } from "../provisionerjobs/service.js";
import { ownedWorkspacesChannel, workspaceChannel } from "../pubsub/channels.js";
import { hintsOf } from "../pubsub/hints.js";
import type { Pubsub } from "../pubsub/pubsub.js";
import type { RolloutStore } from "../rollouts/store.js";
import { nextStart } from "../schedules/autostart.js";
import { definitionOf, type VersionStore } from "../templateversions/store.js";
import type { WorkspaceActivity } from "./activity-store.js";
import { createClaimPrebuild } from "./claim.js";
import { BadWorkspace, WorkspaceNotFound } from "./errors.js";
import { notifyOfDormancy } from "./events.js";
import { parseWorkspaceQuery, type WorkspaceSort } from "./query.js";
import { createWorkspaceSettings, type WorkspaceSettings } from "./settings.js";
import type { SharedActor, WorkspaceRow, WorkspaceStore } from "./store.js";
import { type CreateWorkspace, createWorkspaceWriter } from "./writer.js";

/** Workspaces: create, find and schedule them. */
export type Workspaces = WorkspaceSettings & {
  /** The workspace, if the actor may perform this action on it. */
  require(actor: Actor, action: Action, id: string, includeDeleted?: boolean): Promise<WorkspaceRow>;
  /** The workspace with its latest build. */
  withBuild(row: WorkspaceRow): Promise<WorkspaceView>;
  /** @throws WorkspaceNotFound if it does not exist or the actor may not read it. */
  get(actor: Actor, id: string, includeDeleted: boolean): Promise<WorkspaceView>;
  /** The workspace by owner and name. */
  requireByName(
    actor: Actor,
    action: Action,
    owner: string,
    name: string,
    includeDeleted: boolean,
  ): Promise<WorkspaceRow>;
  /** One page of workspaces that match the query and that the actor may read, and the total count. */
  list(
    actor: Actor,
    query: string,
    page: {
      limit?: number | undefined;
      offset?: number | undefined;
      afterId?: string | undefined;
      sort?: WorkspaceSort | undefined;
    },
  ): Promise<{ workspaces: WorkspaceView[]; count: number }>;
  /** Those of these workspaces that exist and that the actor may read. */
  byIds(actor: Actor, ids: readonly string[]): Promise<WorkspaceView[]>;
  /** Creates a workspace and its first build; once per idempotency key. */
  create(actor: Actor, request: CreateWorkspace): Promise<WorkspaceView>;
  /** Undefined if nothing changes. */
  setDormant(actor: Actor, id: string, dormant: boolean): Promise<WorkspaceView | undefined>;
  /** Adds the workspace to the actor's favorites or removes it. */
  setFavorite(actor: Actor, id: string, favorite: boolean): Promise<void>;
  /** Records that the workspace is in use. @throws BadWorkspace if the agent, where given, is not one of its agents. */
  use(actor: Actor, id: string, kind: ActivityKind, agentId?: string): Promise<void>;
  /** True if the active version has a parameter that the workspace has no value for. */
  parameterMismatch(actor: Actor, id: string): Promise<boolean>;
  /** The workspace now and again after each change, until it is deleted. */
  watch(actor: Actor, id: string, signal: AbortSignal): Promise<AsyncGenerator<WorkspaceView>>;
};

/** A workspace with its latest build, and who it is shared with. */
export type WorkspaceView = { row: WorkspaceRow; latest: BuildView; sharedWith: readonly SharedActor[] };

const PAGE_LIMIT = 1_000;
/** How often a watcher polls without a message. */
const WATCH_POLL_MS = 15_000;

export type WorkspacesOptions = {
  store: WorkspaceStore;
  builds: Builds;
  ahead: PlanAhead;
  newWorkspace: RolloutStore["newWorkspace"];
  events: BuildEvents;
  prebuilds: Prebuilds;
  notifier: Notifier;
  buildStore: BuildStore;
  versions: VersionStore;
  evaluations: Evaluations;
  jobs: ProvisionerJobs;
  activity: WorkspaceActivity;
  pubsub: Pubsub;
  clock: Clock;
};

export function createWorkspaces(options: WorkspacesOptions): Workspaces {
  const { store, builds, ahead, events, notifier, newWorkspace, buildStore, versions } = options;
  const { evaluations, jobs, activity, pubsub, clock } = options;
  const claim = createClaimPrebuild({ store, builds, ahead, prebuilds: options.prebuilds, versions });
  const write = createWorkspaceWriter({ store, builds, ahead, events, newWorkspace, claim, clock });

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
    authorizer.require(actor, action, workspaceObject(row), new WorkspaceNotFound());
    return row;
  }

  async function withBuilds(rows: readonly WorkspaceRow[]): Promise<WorkspaceView[]> {
    const [views, shared] = await Promise.all([
      builds.byIds(rows.map((row) => row.latestBuildId)),
      store.sharedWith(rows),
    ]);
    const latest = new Map(views.map((view) => [view.row.id, view]));
    return rows.flatMap((row) => {
      const build = latest.get(row.latestBuildId);
      return build ? [{ row, latest: build, sharedWith: shared.get(row.id) ?? [] }] : [];
    });
  }

  async function withBuild(row: WorkspaceRow): Promise<WorkspaceView> {
    const [view] = await withBuilds([row]);
    if (!view) throw new WorkspaceNotFound();
    return view;
  }

  return {
    require,
    withBuild,
    ...createWorkspaceSettings({ require, store, builds, pubsub, clock }),

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
        { limit, offset: page.offset ?? 0, afterId: page.afterId, sort: page.sort },
        clock.now(),
      );
      return { workspaces: await withBuilds(rows), count };
    },

    create(actor, request) {
      return jobs.once(
        request.build.idempotency,
        async (job) => {
          const latest = await builds.get(actor, buildOfJob(job));
          const row = await require(actor, "read", latest.row.workspaceId, true);
          return { row, latest, sharedWith: (await store.sharedWith([row])).get(row.id) ?? [] };
        },
        async () => {
          const id = await write(actor, request);
          const row = (await store.find(id, false, viewerId(actor)))!;
          pubsub.publish(ownedWorkspacesChannel(row.ownerId), {});
          return withBuild(row);
        },
      );
    },

    async byIds(actor, ids) {
      const user = requireUser(actor);
      const viewer = { userId: user.userId, reach: authorizer.reach(user, "read", "workspace") };
      const page = { limit: ids.length, offset: 0 };
      const { rows } = await store.list(viewer, { ids: [...ids], parameters: [] }, page, clock.now());
      return withBuilds(rows);
    },

    async setDormant(actor, id, dormant) {
      const row = await require(actor, "update", id);
      const deleteAfter = Number(row.templateTimeTilDeleteMs);
      const changes = await builds.inWorkspace(id, async ({ tx, workspace }) => {
        if (dormant === (workspace.dormantAt !== null)) return false;
        const now = clock.now();
        const deletingAt = deleteAfter > 0 ? new Date(now.getTime() + deleteAfter) : null;
        if (dormant)
          await notifyOfDormancy(
            notifier,
            tx,
            { ...workspace, dormantAt: now, deletingAt },
            requireUser(actor).userId,
          );
        await store.update(
          id,
          dormant
            ? { dormantAt: now, deletingAt }
            : {
                dormantAt: null,
                deletingAt: null,
                scheduleRetryAt: null,
                lastUsedAt: now,
                // Scheduled actions missed in the meantime are not made up.
                nextStartAt: row.autostartSchedule
                  ? nextStart(row.autostartSchedule, row.templateAutostartDays, now)
                  : null,
              },
          tx,
        );
        return true;
      });
      if (!changes) return undefined;
      pubsub.publish(workspaceChannel(id), {});
      return withBuild((await store.find(id, false, viewerId(actor)))!);
    },

    async setFavorite(actor, id, favorite) {
      await require(actor, "update", id);
      await store.setFavorite(requireUser(actor).userId, id, favorite);
    },

    async use(actor, id, kind, agentId) {
      await require(actor, "ssh", id);
      if (agentId !== undefined && !(await store.hasAgent(id, agentId)))
        throw new BadWorkspace("agent_id", "The workspace has no such agent.");
      await activity.record([{ workspaceId: id, kind, at: clock.now() }]);
    },

    async parameterMismatch(actor, id) {
      const row = await require(actor, "read", id);
      if (row.automaticUpdates !== "always" || row.latestVersionId === row.templateActiveVersionId)
        return false;
      const { templateActiveVersionId: versionId, ownerId } = row;
      const imported = await versions.parameters(versionId);
      const previous = await buildStore.parameters(row.latestBuildId);
      const workspace = { id: row.id, name: row.name };
      try {
        if (await versions.isDynamic(versionId)) {
          const request = { versionId, ownerId, workspace, given: [], preset: undefined, previous };
          await withEvaluations(evaluations, async (evaluated) => startValues(request, evaluated));
        } else
          resolveParameters({
            definitions: imported.map(definitionOf),
            transition: "start",
            given: [],
            previous,
          });
        return false;
      } catch (error) {
        if (error instanceof BadParameters || error instanceof TemplateNotEvaluated) return true;
        // Without a provisioner there is no start either, which then says so.
        if (isFleetError(error, "unavailable", "resource_exhausted")) return false;
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
