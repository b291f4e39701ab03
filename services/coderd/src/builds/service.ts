import { randomUUID } from "node:crypto";
import { type Clock, FleetError } from "@fleet/base";
import type { Action } from "@fleet/rbac";
import type { Actor } from "../auth/actor.js";
import { authorizer, requireUser } from "../auth/authorizer.js";
import { accessOf } from "../auth/template-access.js";
import type { Transaction } from "../database/client.js";
import type { BuildTransition } from "../database/gen/enums.js";
import { BadParameters } from "../parameters/errors.js";
import { type ParameterValue, resolveParameters } from "../parameters/parameters.js";
import type { PendingJob } from "../provisionerjobs/queue.js";
import type { ProvisionerJobs } from "../provisionerjobs/service.js";
import { JOB_PRIORITY } from "../provisionerjobs/status.js";
import type { Idempotency } from "../provisionerjobs/store.js";
import { completeTags, type Tags } from "../provisionerjobs/tags.js";
import type { JobView } from "../provisionerjobs/view.js";
import { workspaceChannel } from "../pubsub/channels.js";
import type { Pubsub } from "../pubsub/pubsub.js";
import type { ResourceRow, ResourceStore } from "../resources/store.js";
import { definitionOf, type VersionStore } from "../templateversions/store.js";
import {
  BuildAlreadyActive,
  BuildNotFound,
  VersionNotUsable,
  WorkspaceIsDeleted,
  WorkspaceIsDormant,
} from "./errors.js";
import { type WorkspaceStatus, workspaceStatus } from "./status.js";
import type { BuildRow, BuildStore, BuildVersion, LockedWorkspace } from "./store.js";
import { sessionName } from "./work.js";

export type Builds = ReturnType<typeof createBuilds>;

export type CreateBuild = {
  transition: BuildTransition;
  versionId?: string | undefined;
  presetId?: string | undefined;
  parameters: ParameterValue[];
  /** Terraform state to build from, in place of the last build's. */
  state?: Uint8Array | undefined;
  /** With delete: forget the resources without destroying them. */
  orphan?: boolean | undefined;
  logLevel?: string | undefined;
  reason?: string | undefined;
  traceContext?: Record<string, string>;
  /** Nobody waits for it. */
  scheduled?: boolean;
  /** Of the request, where it carries a key. */
  idempotency?: Idempotency | undefined;
};

/** A build with its job and what it made. */
export type BuildView = { row: BuildRow; job: JobView; resources: ResourceRow[]; status: WorkspaceStatus };

/** A build that is written and, unless it is done already, has to be announced. */
export type WrittenBuild = { id: string; job: PendingJob | undefined };

const REASONS = /^[a-z_]{1,64}$/;
const STATE_LIMIT_BYTES = 32 * 1024 * 1024;
export const BUILD_PAGE_LIMIT = 100;

const ACTION: Record<BuildTransition, Action> = { start: "start", stop: "stop", delete: "delete" };
const PRIORITY: Record<BuildTransition, number> = {
  start: JOB_PRIORITY.interactive,
  stop: JOB_PRIORITY.interactive,
  delete: JOB_PRIORITY.delete,
};

export type BuildsOptions = {
  store: BuildStore;
  versions: VersionStore;
  resources: ResourceStore;
  jobs: ProvisionerJobs;
  pubsub: Pubsub;
  clock: Clock;
};

export function createBuilds({ store, versions, resources, jobs, pubsub, clock }: BuildsOptions) {
  async function require(actor: Actor, action: Action, id: string): Promise<BuildRow> {
    const row = await store.find(id);
    if (!row) throw new BuildNotFound();
    authorizer.require(actor, action, objectOf(row), new BuildNotFound());
    return row;
  }

  /** Rows with their jobs and resources, in their order: three statements for any number of them. */
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

  /** The version to build: the one asked for, or the active one where policy says so, or that of the last build. */
  async function versionFor(
    tx: Transaction,
    workspace: LockedWorkspace,
    request: CreateBuild,
    mayChoose: boolean,
  ): Promise<BuildVersion> {
    const starts = request.transition === "start";
    const follows =
      starts && (workspace.automaticUpdates === "always" || (workspace.requireActiveVersion && !mayChoose));
    if (
      starts &&
      workspace.requireActiveVersion &&
      !mayChoose &&
      request.versionId &&
      request.versionId !== workspace.activeVersionId
    ) {
      throw new VersionNotUsable("This template's policy allows its active version only.");
    }
    const id =
      request.versionId ??
      (follows ? workspace.activeVersionId : (workspace.latestVersionId ?? workspace.activeVersionId));
    const version = await store.version(tx, id);
    if (!version || version.templateId !== workspace.templateId) {
      throw new VersionNotUsable("This version is not one of the workspace's template.");
    }
    if (!version.completedAt)
      throw new VersionNotUsable("The version is still being imported. Wait for its job to end.");
    if (version.error && starts)
      throw new VersionNotUsable("The version's import failed. Choose another version.");
    if (version.archived && starts && request.versionId) {
      throw new VersionNotUsable(
        "The version is archived. Choose another one, or take it out of the archive.",
      );
    }
    return version;
  }

  async function presetValues(
    tx: Transaction,
    presetId: string | undefined,
    versionId: string,
  ): Promise<Record<string, string> | undefined> {
    if (!presetId) return undefined;
    const preset = await versions.preset(presetId, tx);
    if (preset?.templateVersionId === versionId) return preset.parameters as Record<string, string>;
    throw new BadParameters([
      { field: "template_version_preset_id", detail: "This preset is not one of the version." },
    ]);
  }

  /**
   * Writes a build and its job in the caller's transaction, which holds the workspace's lock from here on. Call `sent`
   * once it has committed.
   */
  async function write(
    tx: Transaction,
    workspace: LockedWorkspace,
    initiatorId: string,
    request: CreateBuild,
    mayChooseVersion: boolean,
  ): Promise<WrittenBuild> {
    const { transition } = request;
    if (workspace.deleted) throw new WorkspaceIsDeleted();
    if (workspace.latestActive) throw new BuildAlreadyActive(workspace.id);
    if (workspace.dormantAt && transition === "start") throw new WorkspaceIsDormant();
    const version = await versionFor(tx, workspace, request, mayChooseVersion);
    const definitions = (await versions.parameters(version.id, tx)).map(definitionOf);
    const previous = workspace.latestBuildId ? await store.parameters(workspace.latestBuildId, tx) : [];
    const preset = await presetValues(tx, request.presetId, version.id);
    const parameters = resolveParameters({
      definitions,
      transition,
      given: request.parameters,
      preset,
      previous,
    });
    const now = clock.now();
    const id = randomUUID();
    const job = await jobs.enqueue(
      {
        organizationId: workspace.organizationId,
        initiatorId,
        type: "workspace_build",
        provisioner: version.provisioner,
        fileId: version.fileId,
        input: { workspace_build_id: id },
        tags: completeTags({ ...(version.tags as Tags), ...version.workspaceTags }, workspace.ownerId),
        priority: request.scheduled ? JOB_PRIORITY.scheduled : PRIORITY[transition],
        traceContext: request.traceContext ?? {},
        idempotency: request.idempotency,
      },
      tx,
    );
    await store.insert(tx, {
      id,
      workspaceId: workspace.id,
      buildNumber: (workspace.latestBuildNumber ?? 0) + 1,
      transition,
      templateVersionId: version.id,
      jobId: job.id,
      initiatorId,
      reason: request.reason && REASONS.test(request.reason) ? request.reason : "initiator",
      presetId: request.presetId ?? null,
      logLevel: request.logLevel ?? "",
      createdAt: now,
      parameters,
      state: request.orphan ? new Uint8Array() : request.state,
    });
    // Nothing is left to destroy, or nobody wants it to be: no daemon has to be there for that.
    const nothingToDo =
      transition === "delete" && (request.orphan || (!workspace.hasState && !request.state));
    if (!nothingToDo) return { id, job };
    await store.endAtOnce(tx, job.id, now);
    await store.markDeleted(tx, workspace.id, sessionName(workspace.id));
    return { id, job: undefined };
  }

  /** Sends a committed build on its way. */
  function sent(workspaceId: string, build: WrittenBuild): void {
    if (build.job) jobs.announce(build.job);
    pubsub.publish(workspaceChannel(workspaceId), {});
  }

  async function createOne(actor: Actor, workspaceId: string, request: CreateBuild): Promise<BuildView> {
    const { userId } = requireUser(actor);
    if ((request.state?.length ?? 0) > STATE_LIMIT_BYTES)
      throw new FleetError("too_large", "The state is larger than 32 MiB.");
    if (request.orphan && request.transition !== "delete") {
      const detail = "Only a delete can leave the resources behind.";
      throw new FleetError("invalid_argument", detail, { validations: [{ field: "orphan", detail }] });
    }
    const build = await store.transaction(async (tx) => {
      const workspace = await store.lock(tx, workspaceId);
      if (!workspace) throw new BuildNotFound();
      authorizer.require(
        actor,
        ACTION[request.transition],
        objectOf({ ...workspace, workspaceId }),
        new BuildNotFound(),
      );
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
          "Only someone who may change the template can give or forget a state.",
        );
      }
      return write(tx, workspace, userId, request, isAdmin);
    });
    sent(workspaceId, build);
    return view((await store.find(build.id))!);
  }

  return {
    require,
    view,
    views,
    write,
    sent,

    get: async (actor: Actor, id: string) => view(await require(actor, "read", id)),
    find: async (id: string) => store.find(id),
    byIds: async (ids: readonly string[]) => views(await store.findMany(ids)),

    async getByNumber(workspaceId: string, buildNumber: number): Promise<BuildView> {
      const row = await store.findByNumber(workspaceId, buildNumber);
      if (!row) throw new BuildNotFound();
      return view(row);
    },

    async list(workspaceId: string, page: Parameters<BuildStore["list"]>[1]): Promise<BuildView[]> {
      return views(await store.list(workspaceId, page));
    },

    /** Starts, stops or deletes a workspace; once for each key. */
    create(actor: Actor, workspaceId: string, request: CreateBuild): Promise<BuildView> {
      return jobs.once(
        request.idempotency,
        async (job) => view(await require(actor, "read", buildOfJob(job))),
        () => createOne(actor, workspaceId, request),
      );
    },

    /** Calls a build off. */
    async cancel(actor: Actor, id: string, expected?: "pending" | "running"): Promise<void> {
      const row = await require(actor, "update", id);
      await jobs.cancel(row.jobId, expected);
      pubsub.publish(workspaceChannel(row.workspaceId), {});
    },

    async parameters(actor: Actor, id: string): Promise<ParameterValue[]> {
      await require(actor, "read", id);
      return store.parameters(id);
    },

    async resources(actor: Actor, id: string): Promise<BuildView> {
      return view(await require(actor, "read", id));
    },

    async logs(actor: Actor, id: string, range: { after?: number | undefined; before?: number | undefined }) {
      return jobs.logs((await require(actor, "read", id)).jobId, range);
    },

    async followLogs(actor: Actor, id: string, after: number | undefined, signal: AbortSignal) {
      return jobs.followLogs((await require(actor, "read", id)).jobId, after, signal);
    },

    async timings(actor: Actor, id: string) {
      const { jobId } = await require(actor, "read", id);
      const [provisioner, agents] = await Promise.all([jobs.timings(jobId), store.agentTimings(jobId)]);
      return { provisioner, agents };
    },

    /** The state as of the build, for whoever may change the template. */
    async state(actor: Actor, id: string): Promise<Uint8Array> {
      const row = await requireTemplateAdmin(actor, id);
      return (await store.state(row.workspaceId, row.buildNumber)) ?? new Uint8Array();
    },

    async setState(actor: Actor, id: string, state: Uint8Array): Promise<void> {
      await requireTemplateAdmin(actor, id);
      if (state.length > STATE_LIMIT_BYTES)
        throw new FleetError("too_large", "The state is larger than 32 MiB.");
      await store.setState(id, state);
    },
  };

  async function requireTemplateAdmin(actor: Actor, id: string): Promise<BuildRow> {
    const row = await store.find(id);
    if (!row) throw new BuildNotFound();
    const template = await versions.template(row.templateId);
    const object = template ? accessOf(template) : ({ type: "template", orgId: row.organizationId } as const);
    if (!authorizer.can(actor, "update", object)) throw new BuildNotFound();
    return row;
  }
}

/** The id of the build that a job belongs to. */
export function buildOfJob(job: { input: Record<string, unknown> }): string {
  return String(job.input.workspace_build_id);
}

/** The workspace of a build as the policy sees it. */
function objectOf(row: { workspaceId: string; ownerId: string; organizationId: string }) {
  return { type: "workspace" as const, id: row.workspaceId, ownerId: row.ownerId, orgId: row.organizationId };
}
