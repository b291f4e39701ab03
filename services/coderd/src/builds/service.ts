import { type Clock, FleetError, isFleetError } from "@fleet/base";
import type { ParameterValue } from "@fleet/parameters";
import type { Action } from "@fleet/rbac";
import type { Actor } from "../auth/actor.js";
import { authorizer, requireUser } from "../auth/authorizer.js";
import { accessOf } from "../auth/template-access.js";
import { JobNotCancelable } from "../provisionerjobs/errors.js";
import type { ProvisionerJobs } from "../provisionerjobs/service.js";
import type { JobLog, JobTiming } from "../provisionerjobs/store.js";
import type { JobView } from "../provisionerjobs/view-store.js";
import { workspaceChannel } from "../pubsub/channels.js";
import type { Pubsub } from "../pubsub/pubsub.js";
import type { ResourceRow, ResourceStore } from "../resources/store.js";
import type { VersionStore } from "../templateversions/store.js";
import { BuildNotFound } from "./errors.js";
import { joins } from "./join.js";
import type { RestartStore } from "./restart-store.js";
import type { Restarts } from "./restarts.js";
import { checkState } from "./state.js";
import { type WorkspaceStatus, workspaceStatus } from "./status.js";
import type { AgentTimings, BuildPage, BuildRow, BuildStore, LockedWorkspace } from "./store.js";
import { type BuildRequest, type InWorkspace, type LockedScope, SUPERSEDED } from "./writer.js";

/** Builds of workspaces: to create, watch and cancel them. */
export type Builds = {
  /** The build, when the actor may do this to its workspace. @throws BuildNotFound. */
  require(actor: Actor, action: Action, id: string): Promise<BuildRow>;
  /** The build with its job and what it made. */
  view(row: BuildRow): Promise<BuildView>;
  /** Rows with their jobs and resources, in their order: three statements for any number of them. */
  views(rows: readonly BuildRow[]): Promise<BuildView[]>;
  /** Locks a workspace to build it, or to change what builds depend on. */
  readonly inWorkspace: InWorkspace;
  /** @throws BuildNotFound where there is none, or the actor may not read it. */
  get(actor: Actor, id: string): Promise<BuildView>;
  /** For who has been let through already; undefined where there is none. */
  find(id: string): Promise<BuildRow | undefined>;
  /** For who has been let through already; those that there are. */
  byIds(ids: readonly string[]): Promise<BuildView[]>;
  /** @throws BuildNotFound. */
  getByNumber(workspaceId: string, buildNumber: number): Promise<BuildView>;
  /** One page of the workspace's builds, latest first. */
  list(workspaceId: string, page: BuildPage): Promise<BuildView[]>;
  /** Starts, stops or deletes a workspace; once for each key. */
  create(actor: Actor, workspaceId: string, request: CreateBuild): Promise<BuildView>;
  /**
   * Cancels a build, and with it the start that would follow it. Where the template does not allow it, only who can
   * update the template cancels one that runs: it may leave a workspace broken. One that still waits harms nothing.
   */
  cancel(actor: Actor, id: string, expected?: "pending" | "running"): Promise<void>;
  /** The values that the build was given. */
  parameters(actor: Actor, id: string): Promise<ParameterValue[]>;
  /** The build with what it made. @throws BuildNotFound where the actor may not read it. */
  resources(actor: Actor, id: string): Promise<BuildView>;
  /** The first lines of the range; `after` and `before` are ids of lines, and not among them. */
  logs(
    actor: Actor,
    id: string,
    range: { after?: number | undefined; before?: number | undefined },
  ): Promise<JobLog[]>;
  /** Every line from `after` on, until the build has ended. */
  followLogs(
    actor: Actor,
    id: string,
    after: number | undefined,
    signal: AbortSignal,
  ): Promise<AsyncGenerator<JobLog>>;
  /** What the build, and the scripts of its agents, spent their time on. */
  timings(actor: Actor, id: string): Promise<BuildTimings>;
  /** The state as of the build, for who can see the workspace and update its template. It holds secrets. */
  state(actor: Actor, id: string): Promise<Uint8Array>;
  /** Puts this Terraform state in place of the build's. */
  setState(actor: Actor, id: string, state: Uint8Array): Promise<void>;
};

export type CreateBuild = BuildRequest & {
  /** With start: stop the workspace first, unless it is stopped. */
  restart?: boolean | undefined;
};

/** A build with its job and what it made. */
export type BuildView = { row: BuildRow; job: JobView; resources: ResourceRow[]; status: WorkspaceStatus };

/** What a build's job, and the scripts of the agents that it made, spent their time on. */
export type BuildTimings = { provisioner: JobTiming[]; agents: AgentTimings[] };

export const BUILD_PAGE_LIMIT = 100;

export type BuildsOptions = {
  store: BuildStore;
  versions: VersionStore;
  resources: ResourceStore;
  jobs: ProvisionerJobs;
  inWorkspace: InWorkspace;
  restarts: Restarts;
  restartStore: RestartStore;
  pubsub: Pubsub;
  clock: Clock;
};

export function createBuilds(options: BuildsOptions): Builds {
  const { store, versions, resources, jobs, inWorkspace, restarts, restartStore, pubsub, clock } = options;

  async function require(actor: Actor, action: Action, id: string): Promise<BuildRow> {
    const row = await store.find(id);
    if (!row) throw new BuildNotFound();
    authorizer.require(actor, action, objectOf(row), new BuildNotFound());
    return row;
  }

  async function views(rows: readonly BuildRow[]): Promise<BuildView[]> {
    const ids = rows.map(({ jobId }) => jobId);
    // One after the other: a job that is seen to have ended was stored with its resources, so they are seen too.
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

  /** A row that was read before its job's end was stored is read again: the end brings its deadline and cost. */
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
    const id = await inWorkspace(workspaceId, async (scope) => {
      const isAdmin = requireMay(actor, scope.workspace, request);
      if (request.restart) return restarts.request(scope, userId, request, isAdmin);
      return (await joined(scope, request)) ?? scope.write(userId, request, isAdmin);
    });
    return view((await store.find(id))!);
  }

  /** The active build where it does what is requested. Whoever wants a restart's stop alone gets it, and no start. */
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
        // The stop has ended, and its start is still to come: that is what there is to cancel.
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

    async state(actor, id) {
      const row = await requireState(actor, id);
      return (await store.state(row.workspaceId, row.buildNumber)) ?? new Uint8Array();
    },

    async setState(actor, id, state) {
      await requireState(actor, id);
      checkState(state);
      await store.setState(id, state);
    },
  };

  async function requireState(actor: Actor, id: string): Promise<BuildRow> {
    const row = await require(actor, "read", id);
    const template = await versions.template(row.templateId);
    const object = template ? accessOf(template) : ({ type: "template", orgId: row.organizationId } as const);
    if (authorizer.can(actor, "update", object)) return row;
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

/** True for who may change the template: they choose versions, and give or forget states. */
function requireMay(actor: Actor, workspace: LockedWorkspace, request: CreateBuild): boolean {
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

/** The id of the build that a job belongs to. */
export function buildOfJob(job: { input: Record<string, unknown> }): string {
  return String(job.input.workspace_build_id);
}

/** The workspace of a build as the policy sees it. */
function objectOf(row: { workspaceId: string; ownerId: string; organizationId: string }) {
  return { type: "workspace" as const, id: row.workspaceId, ownerId: row.ownerId, orgId: row.organizationId };
}
