import { randomUUID } from "node:crypto";
import type { Clock } from "@fleet/base";
import type { BuildTransition } from "../database/gen/enums.js";
import type { Transaction } from "../database/transaction.js";
import { type Evaluated, withEvaluations } from "../evaluations/needed.js";
import type { Evaluations } from "../evaluations/service.js";
import type { Idempotency } from "../provisionerjobs/idempotency.js";
import type { PendingJob } from "../provisionerjobs/queue.js";
import type { ProvisionerJobs } from "../provisionerjobs/service.js";
import { isActive, JOB_PRIORITY } from "../provisionerjobs/status.js";
import { workspaceChannel } from "../pubsub/channels.js";
import type { Pubsub } from "../pubsub/pubsub.js";
import { DataLossNotAccepted, MayNotAcceptDataLoss } from "./data-loss.js";
import type { DataLossStore } from "./data-loss-store.js";
import { BuildAlreadyActive, BuildNotFound, DoesNotWake, WorkspaceIsRestarting } from "./errors.js";
import type { BuildEvents } from "./events.js";
import type { BuildPlan, BuildPlanner, PlanRequest } from "./plan.js";
import type { RestartStore } from "./restart-store.js";
import type { StateStore } from "./state-store.js";
import type { BuildStore, LockedWorkspace } from "./store.js";
import { sessionName } from "./work.js";

/** A build to create. */
export type BuildRequest = PlanRequest & {
  /** Terraform state to build from, instead of the last build's. */
  state?: Uint8Array | undefined;
  /** With delete: forget the resources without destroying them. */
  orphan?: boolean | undefined;
  logLevel?: string | undefined;
  reason?: string | undefined;
  traceContext?: Record<string, string> | undefined;
  /** No user is waiting for it. */
  scheduled?: boolean | undefined;
  /** Set if the request has an Idempotency-Key. */
  idempotency?: Idempotency | undefined;
};

/** A workspace whose row this transaction has locked: nothing else can build it or change its schedule meanwhile. */
export type LockedScope = {
  readonly tx: Transaction;
  /** As read when the lock was taken. */
  readonly workspace: LockedWorkspace;
  /** Checks a build without creating it, but not whether it may lose data. */
  plan(request: PlanRequest, mayChooseVersion: boolean): Promise<BuildPlan>;
  /** Checks everything about a build that can be checked before it runs. */
  check(request: PlanRequest, mayChooseVersion: boolean): Promise<BuildPlan>;
  /**
   * Checks and creates a build and its job, which is announced once the transaction has committed. Unless the build is
   * merely scheduled, it replaces a restart whose start is still pending.
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

function priorityOf({ transition, scheduled, prebuild }: BuildRequest): number {
  if (prebuild === "create") return JOB_PRIORITY.prebuild;
  return scheduled ? JOB_PRIORITY.scheduled : PRIORITY[transition];
}

export const SUPERSEDED = "This start was superseded by another build of the workspace.";

/**
 * The only way to build a workspace: lock its row, decide, write, commit, and then announce what was written. `work`
 * may be rerun if its transaction conflicts with another, or after its version's parameters were evaluated, so it must
 * have no effect outside the database. `before` runs
 * before the lock is taken, for a workspace created in the same transaction. Instead of an id, it takes a function that
 * chooses the workspace in the transaction.
 * @throws BuildNotFound if the workspace does not exist.
 */
export type InWorkspace = <T>(
  workspace: string | ((tx: Transaction) => Promise<string>),
  work: (scope: LockedScope) => Promise<T>,
  before?: (tx: Transaction) => Promise<void>,
) => Promise<T>;

export type InWorkspaceOptions = {
  store: BuildStore;
  states: StateStore;
  restarts: RestartStore;
  plan: BuildPlanner;
  evaluations: Evaluations;
  dataLoss: Pick<DataLossStore, "plannedLosses">;
  events: Pick<BuildEvents, "updating" | "deleted">;
  jobs: ProvisionerJobs;
  pubsub: Pubsub;
  clock: Clock;
};

export function createInWorkspace({
  store,
  states,
  restarts,
  plan,
  evaluations,
  dataLoss,
  events,
  jobs,
  pubsub,
  clock,
}: InWorkspaceOptions): InWorkspace {
  return async function inWorkspace<T>(
    which: Parameters<InWorkspace>[0],
    work: (scope: LockedScope) => Promise<T>,
    before: (tx: Transaction) => Promise<void> = async () => {},
  ): Promise<T> {
    const { result, written, workspaceId } = await withEvaluations(evaluations, (evaluated) =>
      store.transaction(async (tx) => {
        const written: PendingJob[] = [];
        await before(tx);
        const workspaceId = typeof which === "string" ? which : await which(tx);
        const workspace = await store.lock(tx, workspaceId);
        if (!workspace) throw new BuildNotFound();
        const result = await work({
          tx,
          workspace,
          plan: (request, mayChooseVersion) => plan(tx, workspace, request, mayChooseVersion, evaluated),
          check: (request, mayChooseVersion) => check(tx, workspace, request, mayChooseVersion, evaluated),
          write: async (initiatorId, request, mayChooseVersion) => {
            const build = await write(tx, workspace, initiatorId, request, mayChooseVersion, evaluated);
            if (build.job) written.push(build.job);
            return build.id;
          },
        });
        return { result, written, workspaceId };
      }),
    );
    for (const job of written) jobs.announce(job);
    pubsub.publish(workspaceChannel(workspaceId), {});
    return result;
  };

  /** Refuses what is known to lose data from a plan; what the build itself plans is judged by the apply gate. */
  async function check(
    tx: Transaction,
    workspace: LockedWorkspace,
    request: PlanRequest,
    mayChooseVersion: boolean,
    evaluated: Evaluated,
  ): Promise<BuildPlan> {
    const planned = await plan(tx, workspace, request, mayChooseVersion, evaluated);
    const { dataLossPolicy: policy, id: workspaceId } = workspace;
    const { transition, acceptsDataLoss } = request;
    if (policy === "off" || transition === "delete" || request.prebuild) return planned;
    if (acceptsDataLoss) {
      if (policy === "deny" && !mayChooseVersion) throw new MayNotAcceptDataLoss();
      return planned;
    }
    const { version, parameters } = planned;
    const losses = await dataLoss.plannedLosses(tx, {
      workspaceId,
      versionId: version.id,
      transition,
      parameters,
    });
    if (losses.length === 0) return planned;
    throw new DataLossNotAccepted(
      losses.map(({ address, action, reasons }) => ({ address, reasons, replaced: action === "replace" })),
      policy,
    );
  }

  async function write(
    tx: Transaction,
    workspace: LockedWorkspace,
    initiatorId: string,
    request: BuildRequest,
    mayChooseVersion: boolean,
    evaluated: Evaluated,
  ): Promise<{ id: string; job: PendingJob | undefined }> {
    const { transition } = request;
    if (workspace.latestStatus && isActive(workspace.latestStatus)) throw alreadyActive(workspace);
    if (transition === "start" && byConnection(request.reason) && !workspace.wakeOn.includes("ssh"))
      throw new DoesNotWake(workspace.name);
    const { version, parameters, tags } = await check(tx, workspace, request, mayChooseVersion, evaluated);
    // A claim that failed is tried again by the owner's next start.
    const claims = request.prebuild === "claim" || (transition === "start" && workspace.latestClaims);
    const prebuild = claims && workspace.latestStatus !== "succeeded" ? ("claim" as const) : request.prebuild;
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
        input: { workspace_build_id: id, ...(prebuild && { prebuilt_workspace_build_stage: prebuild }) },
        tags,
        priority: priorityOf(request),
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
      // Nobody has worked in a prebuild yet.
      acceptsDataLoss: request.acceptsDataLoss ?? prebuild !== undefined,
      dailyCost: workspace.latestDailyCost ?? 0,
      scheduled: request.scheduled ?? false,
    });
    const state = request.orphan ? new Uint8Array() : request.state;
    if (state) await states.replace(tx, { buildId: id, state, origin: "push", authorId: initiatorId }, now);
    // There is nothing to destroy, or the resources are to be orphaned, so no daemon is needed.
    const nothingToDo =
      transition === "delete" && (request.orphan || (!workspace.hasState && !request.state));
    const updates = workspace.latestVersionId !== null && workspace.latestVersionId !== version.id;
    if (transition === "start" && updates) await events.updating(tx, id);
    if (!nothingToDo) return { id, job };
    await store.endAtOnce(tx, job.id, now);
    await store.markDeleted(tx, workspace.id, sessionName(workspace.id));
    await events.deleted(tx, [job.id]);
    return { id, job: undefined };
  }
}

/** The client connects, and found the workspace stopped. */
const byConnection = (reason = "") => /^(ssh|vscode|jetbrains)_connection$/.test(reason);

/** The error that says why the workspace cannot be built now. Call it only while the latest build is active. */
export function alreadyActive(workspace: LockedWorkspace): BuildAlreadyActive {
  return new BuildAlreadyActive({
    transition: workspace.latestTransition!,
    number: workspace.latestBuildNumber!,
    running: workspace.latestStatus !== "pending",
    since: workspace.latestSince!,
    initiator: workspace.latestInitiator!,
  });
}
