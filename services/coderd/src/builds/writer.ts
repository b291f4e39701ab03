import { randomUUID } from "node:crypto";
import type { Clock } from "@fleet/base";
import type { BuildTransition } from "../database/gen/enums.js";
import type { Transaction } from "../database/transaction.js";
import type { Idempotency } from "../provisionerjobs/idempotency.js";
import type { PendingJob } from "../provisionerjobs/queue.js";
import type { ProvisionerJobs } from "../provisionerjobs/service.js";
import { isActive, JOB_PRIORITY } from "../provisionerjobs/status.js";
import { completeTags, type Tags } from "../provisionerjobs/tags.js";
import { workspaceChannel } from "../pubsub/channels.js";
import type { Pubsub } from "../pubsub/pubsub.js";
import { BuildAlreadyActive, BuildNotFound, WorkspaceIsRestarting } from "./errors.js";
import type { BuildPlan, BuildPlanner, PlanRequest } from "./plan.js";
import type { RestartStore } from "./restart-store.js";
import type { BuildStore, LockedWorkspace } from "./store.js";
import { sessionName } from "./work.js";

/** A build to be written. */
export type BuildRequest = PlanRequest & {
  /** Terraform state to build from, in place of the last build's. */
  state?: Uint8Array | undefined;
  /** With delete: forget the resources without destroying them. */
  orphan?: boolean | undefined;
  logLevel?: string | undefined;
  reason?: string | undefined;
  traceContext?: Record<string, string> | undefined;
  /** Nobody waits for it. */
  scheduled?: boolean | undefined;
  /** Of the request, where it carries a key. */
  idempotency?: Idempotency | undefined;
};

/** A workspace whose row this transaction has locked: nobody else builds it, or changes its schedule, meanwhile. */
export type LockedScope = {
  readonly tx: Transaction;
  /** As it was when the lock was taken. */
  readonly workspace: LockedWorkspace;
  /** Checks a build without writing it. */
  plan(request: PlanRequest, mayChooseVersion: boolean): Promise<BuildPlan>;
  /**
   * Checks and writes a build and its job, which is announced once the transaction has committed. A restart whose start is
   * still to come gives way to it, unless it is only scheduled.
   * @returns the build's id.
   */
  write(initiatorId: string, request: BuildRequest, mayChooseVersion: boolean): Promise<string>;
};

const REASONS = /^[a-z_]{1,64}$/;
const PRIORITY: Record<BuildTransition, number> = {
  start: JOB_PRIORITY.interactive,
  stop: JOB_PRIORITY.interactive,
  delete: JOB_PRIORITY.delete,
};
export const SUPERSEDED = "This start was superseded by another build of the workspace.";

/**
 * The one way to build a workspace: lock its row, decide, write, commit, and only then announce what was written. `work`
 * may run again from the start when its transaction loses against another, so it has no effect outside of the database.
 * `before` runs before the lock is taken, for a workspace that is made in the same transaction.
 * @throws BuildNotFound where there is no such workspace.
 */
export type InWorkspace = <T>(
  workspaceId: string,
  work: (scope: LockedScope) => Promise<T>,
  before?: (tx: Transaction) => Promise<void>,
) => Promise<T>;

export type InWorkspaceOptions = {
  store: BuildStore;
  restarts: RestartStore;
  plan: BuildPlanner;
  jobs: ProvisionerJobs;
  pubsub: Pubsub;
  clock: Clock;
};

export function createInWorkspace({
  store,
  restarts,
  plan,
  jobs,
  pubsub,
  clock,
}: InWorkspaceOptions): InWorkspace {
  return async function inWorkspace<T>(
    workspaceId: string,
    work: (scope: LockedScope) => Promise<T>,
    before: (tx: Transaction) => Promise<void> = async () => {},
  ): Promise<T> {
    const { result, written } = await store.transaction(async (tx) => {
      const written: PendingJob[] = [];
      await before(tx);
      const workspace = await store.lock(tx, workspaceId);
      if (!workspace) throw new BuildNotFound();
      const result = await work({
        tx,
        workspace,
        plan: (request, mayChooseVersion) => plan(tx, workspace, request, mayChooseVersion),
        write: async (initiatorId, request, mayChooseVersion) => {
          const build = await write(tx, workspace, initiatorId, request, mayChooseVersion);
          if (build.job) written.push(build.job);
          return build.id;
        },
      });
      return { result, written };
    });
    for (const job of written) jobs.announce(job);
    pubsub.publish(workspaceChannel(workspaceId), {});
    return result;
  };

  async function write(
    tx: Transaction,
    workspace: LockedWorkspace,
    initiatorId: string,
    request: BuildRequest,
    mayChooseVersion: boolean,
  ): Promise<{ id: string; job: PendingJob | undefined }> {
    const { transition } = request;
    if (workspace.latestStatus && isActive(workspace.latestStatus)) throw alreadyActive(workspace);
    const { version, parameters } = await plan(tx, workspace, request, mayChooseVersion);
    const now = clock.now();
    if (workspace.restarting) {
      if (request.scheduled) throw new WorkspaceIsRestarting();
      await restarts.drop(tx, workspace.id, SUPERSEDED, now);
    }
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
}

/** Why the workspace cannot be built now; only for one whose latest build is active. */
export function alreadyActive(workspace: LockedWorkspace): BuildAlreadyActive {
  return new BuildAlreadyActive({
    transition: workspace.latestTransition!,
    number: workspace.latestBuildNumber!,
    running: workspace.latestStatus !== "pending",
    since: workspace.latestSince!,
    initiator: workspace.latestInitiator!,
  });
}
