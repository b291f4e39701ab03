import { type Clock, FleetError, isFleetError } from "@fleet/base";
import type { ParameterValue } from "@fleet/parameters";
import type { Action } from "@fleet/rbac";
import type { Actor } from "../auth/actor.js";
import { authorizer, requireUser } from "../auth/authorizer.js";
import { accessOf } from "../auth/template-access.js";
import { type WorkspaceAccess, workspaceObject } from "../auth/workspace-access.js";
import { JobNotCancelable } from "../provisionerjobs/errors.js";
import type { ProvisionerJobs } from "../provisionerjobs/service.js";
import { isActive } from "../provisionerjobs/status.js";
import type { JobLog, JobTiming } from "../provisionerjobs/store.js";
import type { JobView } from "../provisionerjobs/view-store.js";
import { workspaceChannel } from "../pubsub/channels.js";
import type { Pubsub } from "../pubsub/pubsub.js";
import type { ResourceRow, ResourceStore } from "../resources/store.js";
import type { VersionStore } from "../templateversions/store.js";
import type { PlanAhead } from "./ahead.js";
import { BuildNotFound, StateNotFound } from "./errors.js";
import { joins } from "./join.js";
import type { RestartStore } from "./restart-store.js";
import type { Restarts } from "./restarts.js";
import { checkReplacement, checkState } from "./state.js";
import type { StateStore, StateVersion } from "./state-store.js";
import { type WorkspaceStatus, workspaceStatus } from "./status.js";
import type { AgentTimings, BuildPage, BuildRow, BuildStore, LockedWorkspace } from "./store.js";
import {
  alreadyActive,
  type BuildRequest,
  type InWorkspace,
  type LockedScope,
  SUPERSEDED,
} from "./writer.js";

/** Workspace builds: create, watch and cancel. */
export type Builds = {
  /** The build, if the actor may perform the action on its workspace. @throws BuildNotFound. */
  require(actor: Actor, action: Action, id: string): Promise<BuildRow>;
  /** The build with its job and resources. */
  view(row: BuildRow): Promise<BuildView>;
  /** Rows with their jobs and resources, in order, in three statements regardless of the number of rows. */
  views(rows: readonly BuildRow[]): Promise<BuildView[]>;
  /** Locks a workspace to build it or to change what builds depend on. */
  readonly inWorkspace: InWorkspace;
  /** @throws BuildNotFound if the build does not exist or the actor may not read it. */
  get(actor: Actor, id: string): Promise<BuildView>;
  /** Without an access check; undefined if the build does not exist. */
  find(id: string): Promise<BuildRow | undefined>;
  /** Without an access check; unknown ids are skipped. */
  byIds(ids: readonly string[]): Promise<BuildView[]>;
  /** @throws BuildNotFound. */
  getByNumber(workspaceId: string, buildNumber: number): Promise<BuildView>;
  /** One page of the workspace's builds, newest first. */
  list(workspaceId: string, page: BuildPage): Promise<BuildView[]>;
  /** Starts, stops or deletes a workspace; at most once per idempotency key. */
  create(actor: Actor, workspaceId: string, request: CreateBuild): Promise<BuildView>;
  /**
   * Cancels a build and any start that would follow it. If the template does not allow canceling, only users who can
   * update the template may cancel a running build, since that can leave the workspace broken. A pending build can
   * always be canceled.
   */
  cancel(actor: Actor, id: string, expected?: "pending" | "running"): Promise<void>;
  /** The build's parameter values. */
  parameters(actor: Actor, id: string): Promise<ParameterValue[]>;
  /** The build with its resources. @throws BuildNotFound if the actor may not read it. */
  resources(actor: Actor, id: string): Promise<BuildView>;
  /** The first log lines in the range; `after` and `before` are line ids, both exclusive. */
  logs(
    actor: Actor,
    id: string,
    range: { after?: number | undefined; before?: number | undefined },
  ): Promise<JobLog[]>;
  /** Log lines after `after`, until the build has ended. */
  followLogs(
    actor: Actor,
    id: string,
    after: number | undefined,
    signal: AbortSignal,
  ): Promise<AsyncGenerator<JobLog>>;
  /** Timings of the build and its agents' scripts. */
  timings(actor: Actor, id: string): Promise<BuildTimings>;
  /**
   * The Terraform state as of the build, or one version of the build's states, for actors who can read the workspace and
   * update its template. It contains secrets.
   */
  state(actor: Actor, id: string, version?: number): Promise<Uint8Array>;
  /** The workspace's states, newest first, for the same actors. */
  states(actor: Actor, workspaceId: string): Promise<StateVersion[]>;
  /**
   * Replaces the build's Terraform state; the replaced one is kept as a version.
   * @throws BuildAlreadyActive, and `invalid_argument` if the state is no valid successor.
   */
  setState(actor: Actor, id: string, push: PushState): Promise<void>;
};

/** A state to store. */
export type PushState = {
  state: Uint8Array;
  /** Store it even if it is older than the current state, or of another lineage. */
  force?: boolean | undefined;
  /** Refuse unless the current state has this serial. */
  expectedSerial?: number | undefined;
};

export type CreateBuild = BuildRequest & {
  /** With start: stop the workspace first, unless it is stopped. */
  restart?: boolean | undefined;
};

/** A build with its job and resources. */
export type BuildView = { row: BuildRow; job: JobView; resources: ResourceRow[]; status: WorkspaceStatus };

/** Timings of a build's job and of its agents' scripts. */
export type BuildTimings = { provisioner: JobTiming[]; agents: AgentTimings[] };

export const BUILD_PAGE_LIMIT = 100;

export type BuildsOptions = {
  store: BuildStore;
  states: StateStore;
  versions: VersionStore;
  resources: ResourceStore;
  jobs: ProvisionerJobs;
  inWorkspace: InWorkspace;
  ahead: PlanAhead;
  restarts: Restarts;
  restartStore: RestartStore;
  pubsub: Pubsub;
  clock: Clock;
};

export function createBuilds(options: BuildsOptions): Builds {
  const {
    store,
    states,
    versions,
    resources,
    jobs,
    inWorkspace,
    ahead,
    restarts,
    restartStore,
    pubsub,
    clock,
  } = options;

  async function require(actor: Actor, action: Action, id: string): Promise<BuildRow> {
    const row = await store.find(id);
    if (!row) throw new BuildNotFound();
    authorizer.require(actor, action, objectOf(row), new BuildNotFound());
    return row;
  }

  async function views(rows: readonly BuildRow[]): Promise<BuildView[]> {
    const ids = rows.map(({ jobId }) => jobId);
    // In this order: a job seen as ended was stored together with its resources, so these are seen, too.
    const jobViews = await jobs.views(ids);
    const made = await resources.ofJobs(ids);
    const current = await notBeforeEnd(rows, jobViews);
    return current.map((row) => {
      const job = jobViews.get(row.jobId)!;
      return {
        row,
        job,
        resources: made.get(row.jobId) ?? [],
        status: workspaceStatus(row.transition, job.status),
      };
    });
  }

  /** Reloads a row that was read before its job's end was stored: the end sets its deadline and cost. */
  async function notBeforeEnd(
    rows: readonly BuildRow[],
    jobViews: ReadonlyMap<string, JobView>,
  ): Promise<readonly BuildRow[]> {
    const old = rows.filter(({ jobId, updatedAt }) => {
      const { startedAt, completedAt } = jobViews.get(jobId)!;
      return startedAt && completedAt && updatedAt < completedAt;
    });
    if (old.length === 0) return rows;
    const again = new Map((await store.findMany(old.map(({ id }) => id))).map((row) => [row.id, row]));
    return rows.map((row) => again.get(row.id) ?? row);
  }

  const view = async (row: BuildRow) => (await views([row]))[0]!;

  async function createOne(actor: Actor, workspaceId: string, request: CreateBuild): Promise<BuildView> {
    const { userId } = requireUser(actor);
    checkRequest(request);
    await ahead.existing(workspaceId, request, (workspace) => void requireMay(actor, workspace, request));
    const id = await inWorkspace(workspaceId, async (scope) => {
      const isAdmin = requireMay(actor, scope.workspace, request);
      if (request.restart) return restarts.request(scope, userId, request, isAdmin);
      return (await joined(scope, request)) ?? scope.write(userId, request, isAdmin);
    });
    return view((await store.find(id))!);
  }

  /**
   * The active build, if it does what is requested. A request for a restart's stop alone joins it and drops the start.
   */
  async function joined({ tx, workspace }: LockedScope, request: CreateBuild): Promise<string | undefined> {
    const { latestBuildId } = workspace;
    if (!latestBuildId || !joins(workspace, request, await store.parameters(latestBuildId, tx)))
      return undefined;
    if (workspace.restarting) await restartStore.drop(tx, workspace.id, SUPERSEDED, clock.now());
    return latestBuildId;
  }

  return {
    require,
    view,
    views,
    inWorkspace,

    get: async (actor, id) => view(await require(actor, "read", id)),
    find: async (id) => store.find(id),
    byIds: async (ids) => views(await store.findMany(ids)),

    async getByNumber(workspaceId, buildNumber) {
      const row = await store.findByNumber(workspaceId, buildNumber);
      if (!row) throw new BuildNotFound();
      return view(row);
    },

    async list(workspaceId, page) {
      return views(await store.list(workspaceId, page));
    },

    create(actor, workspaceId, request) {
      return jobs.once(
        request.idempotency,
        async (job) => view(await require(actor, "read", buildOfJob(job))),
        () => createOne(actor, workspaceId, request),
      );
    },

    async cancel(actor, id, expected) {
      const row = await require(actor, "update", id);
      const template = await versions.template(row.templateId);
      const mayInterrupt =
        !template ||
        template.allowUserCancelWorkspaceJobs ||
        authorizer.can(actor, "update", accessOf(template));
      if (!mayInterrupt && expected === "running") throw mayNotInterrupt();
      try {
        await jobs.cancel(row.jobId, mayInterrupt ? expected : "pending");
        await restarts.cancel(id);
      } catch (error) {
        if (!mayInterrupt && !expected && isFleetError(error, "conflict")) throw mayNotInterrupt();
        // The stop has ended, so only its pending start is left to cancel.
        if (!(error instanceof JobNotCancelable && (await restarts.cancel(id)))) throw error;
      }
      pubsub.publish(workspaceChannel(row.workspaceId), {});
    },

    async parameters(actor, id) {
      await require(actor, "read", id);
      return store.parameters(id);
    },

    async resources(actor, id) {
      return view(await require(actor, "read", id));
    },

    async logs(actor, id, range) {
      return jobs.logs((await require(actor, "read", id)).jobId, range);
    },

    async followLogs(actor, id, after, signal) {
      return jobs.followLogs((await require(actor, "read", id)).jobId, after, signal);
    },

    async timings(actor, id) {
      const { jobId } = await require(actor, "read", id);
      const [provisioner, agents] = await Promise.all([jobs.timings(jobId), store.agentTimings(jobId)]);
      return { provisioner, agents };
    },

    async state(actor, id, version) {
      const row = await require(actor, "read", id);
      await requireState(actor, row);
      if (version === undefined) {
        return (await states.asOf(row.workspaceId, row.buildNumber)) ?? new Uint8Array();
      }
      const state = await states.version(id, version);
      if (!state) throw new StateNotFound(row.buildNumber, version);
      return state;
    },

    async states(actor, workspaceId) {
      const [row] = await store.list(workspaceId, { limit: 1, offset: 0 });
      if (!row) throw new BuildNotFound();
      authorizer.require(actor, "read", objectOf(row), new BuildNotFound());
      await requireState(actor, row);
      return states.list(workspaceId);
    },

    async setState(actor, id, { state, ...how }) {
      const { userId } = requireUser(actor);
      const row = await require(actor, "read", id);
      await requireState(actor, row);
      checkState(state);
      await inWorkspace(row.workspaceId, async ({ tx, workspace }) => {
        // A running build has started from the state, and stores its own.
        if (workspace.latestStatus && isActive(workspace.latestStatus)) throw alreadyActive(workspace);
        const current = await states.asOf(row.workspaceId, row.buildNumber, tx);
        checkReplacement(state, current ?? new Uint8Array(), how);
        await states.replace(tx, { buildId: id, state, origin: "push", authorId: userId }, clock.now());
      });
    },
  };

  async function requireState(actor: Actor, row: BuildRow): Promise<void> {
    const template = await versions.template(row.templateId);
    const object = template ? accessOf(template) : ({ type: "template", orgId: row.organizationId } as const);
    if (authorizer.can(actor, "update", object)) return;
    throw new FleetError(
      "permission_denied",
      "Reading or changing a workspace's state requires permission to update its template.",
    );
  }
}

function checkRequest({ transition, state, orphan, restart }: CreateBuild): void {
  if (state) checkState(state);
  if (orphan && transition !== "delete") refuse("orphan", "Only a delete build can orphan resources.");
  if (restart && transition !== "start") refuse("restart", 'A restart must use the transition "start".');
  if (restart && state) refuse("state", "A restart cannot set a state.");
}

function refuse(field: string, detail: string): never {
  throw new FleetError("invalid_argument", detail, { validations: [{ field, detail }] });
}

/**
 * Requires that the actor may request such a build. True if the actor may update the template, and so choose versions,
 * set state or orphan resources.
 */
export function requireMay(
  actor: Actor,
  workspace: LockedWorkspace,
  request: Pick<CreateBuild, "transition" | "restart" | "state" | "orphan" | "logLevel">,
): boolean {
  const object = objectOf({ ...workspace, workspaceId: workspace.id });
  const actions: Action[] = request.restart ? ["stop", "start"] : [request.transition];
  for (const action of actions) authorizer.require(actor, action, object, new BuildNotFound());
  const template = accessOf({
    id: workspace.templateId,
    organizationId: workspace.organizationId,
    userAcl: workspace.templateUserAcl,
    groupAcl: workspace.templateGroupAcl,
  });
  const isAdmin = authorizer.can(actor, "update", template);
  if (!isAdmin && (request.state || request.orphan)) {
    throw new FleetError(
      "permission_denied",
      "Setting or discarding a state requires permission to update the template.",
    );
  }
  if (!isAdmin && request.logLevel) {
    const detail = "Building with debug logs requires permission to update the template.";
    throw new FleetError("permission_denied", detail, { validations: [{ field: "log_level", detail }] });
  }
  return isAdmin;
}

function mayNotInterrupt(): FleetError {
  return new FleetError(
    "permission_denied",
    "The template does not allow users to cancel a running build. Ask a template administrator.",
  );
}

/** The build id of a job. */
export function buildOfJob(job: { input: Record<string, unknown> }): string {
  return String(job.input.workspace_build_id);
}

/** The build's workspace as a policy object. */
function objectOf(row: Omit<WorkspaceAccess, "id"> & { workspaceId: string }) {
  return workspaceObject({ ...row, id: row.workspaceId });
}
