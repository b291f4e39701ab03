import { randomUUID } from "node:crypto";
import type { Clock } from "@fleet/base";
import type { Action } from "@fleet/rbac";
import type { Actor } from "../auth/actor.js";
import { authorizer, requireUser } from "../auth/authorizer.js";
import { workspaceObject } from "../auth/workspace-access.js";
import type { PlanAhead } from "../builds/ahead.js";
import type { PlanRequest } from "../builds/plan.js";
import { requireMay } from "../builds/service.js";
import type { BuildVersion } from "../builds/store.js";
import { alreadyActive, type InWorkspace } from "../builds/writer.js";
import type { Transaction } from "../database/transaction.js";
import { JobNotCancelable, JobNotFound, JobNotRetriable } from "../provisionerjobs/errors.js";
import type { PendingJob } from "../provisionerjobs/queue.js";
import type { ProvisionerJobs } from "../provisionerjobs/service.js";
import { isActive, JOB_PRIORITY } from "../provisionerjobs/status.js";
import type { JobLog } from "../provisionerjobs/store.js";
import type { Tags } from "../provisionerjobs/tags.js";
import type { JobView } from "../provisionerjobs/view-store.js";
import { PlanNotFound, TooManyPlans } from "./errors.js";
import type { PlanRow, PlanStore } from "./store.js";

export type CreatePlan = Omit<PlanRequest, "acceptsDataLoss"> & {
  /** Compare with the state only, without asking providers for what exists. */
  skipRefresh: boolean;
};

/** A plan with its job. */
export type PlanView = { row: PlanRow; job: JobView };

/** Plans of builds that nobody has requested yet. A plan holds no lock, stores no state, and is no build. */
export type Plans = {
  /**
   * Plans a build, which the actor must be allowed to request.
   * @throws any error that the build would be refused with, and TooManyPlans.
   */
  create(actor: Actor, workspaceId: string, request: CreatePlan): Promise<PlanView>;
  /** @throws PlanNotFound. */
  get(actor: Actor, workspaceId: string, id: string): Promise<PlanView>;
  /** The first log lines in the range; `after` and `before` are line ids, both exclusive. */
  logs(
    actor: Actor,
    workspaceId: string,
    id: string,
    range: { after?: number | undefined; before?: number | undefined },
  ): Promise<JobLog[]>;
  /** Does nothing if the plan has ended. */
  cancel(actor: Actor, workspaceId: string, id: string): Promise<void>;
  /** Cancels plans that have taken longer than PLAN_LIMIT_MS. */
  cancelOverdue(): Promise<void>;
};

/** Plans of one workspace at a time. */
const ACTIVE_LIMIT = 3;
/** A plan that is neither started nor finished by then is canceled. */
const PLAN_LIMIT_MS = 15 * 60_000;

export type PlansOptions = {
  store: PlanStore;
  ahead: PlanAhead;
  inWorkspace: InWorkspace;
  jobs: ProvisionerJobs;
  clock: Clock;
};

export function createPlans({ store, ahead, inWorkspace, jobs, clock }: PlansOptions): Plans {
  async function requireRow(actor: Actor, action: Action, workspaceId: string, id: string): Promise<PlanRow> {
    const workspace = await store.workspace(workspaceId);
    if (!workspace) throw new PlanNotFound();
    authorizer.require(actor, action, workspaceObject(workspace), new PlanNotFound());
    const row = await store.find(workspaceId, id);
    if (!row) throw new PlanNotFound();
    return row;
  }

  /** Reloads a row that was read before its job's end was stored: the end sets its result. */
  async function view(row: PlanRow): Promise<PlanView> {
    const job = await jobs.view(row.jobId);
    if (row.result || isActive(job.status)) return { row, job };
    return { row: (await store.find(row.workspaceId, row.id)) ?? row, job };
  }

  return {
    async create(actor, workspaceId, { skipRefresh, ...request }) {
      const { userId } = requireUser(actor);
      await ahead.existing(workspaceId, request, (workspace) => void requireMay(actor, workspace, request));
      const id = randomUUID();
      const job = await inWorkspace(workspaceId, async ({ tx, workspace, plan }) => {
        const isAdmin = requireMay(actor, workspace, request);
        if (workspace.latestStatus && isActive(workspace.latestStatus)) throw alreadyActive(workspace);
        if ((await store.countActive(tx, workspaceId)) >= ACTIVE_LIMIT) throw new TooManyPlans();
        const { version, parameters, tags } = await plan(request, isAdmin);
        const pending = await enqueuePlan(jobs, tx, {
          id,
          version,
          organizationId: workspace.organizationId,
          tags,
          initiatorId: userId,
          priority: JOB_PRIORITY.interactive,
        });
        await store.insert(tx, [
          {
            id,
            workspaceId,
            templateVersionId: version.id,
            initiatorId: userId,
            transition: request.transition,
            parameters,
            skipRefresh,
            survey: false,
            jobId: pending.id,
            error: "",
            createdAt: clock.now(),
          },
        ]);
        return pending;
      });
      jobs.announce(job);
      return view((await store.find(workspaceId, id))!);
    },

    get: async (actor, workspaceId, id) => view(await requireRow(actor, "read", workspaceId, id)),

    async logs(actor, workspaceId, id, range) {
      return jobs.logs((await requireRow(actor, "read", workspaceId, id)).jobId, range);
    },

    async cancel(actor, workspaceId, id) {
      await cancelJobs(jobs, [(await requireRow(actor, "update", workspaceId, id)).jobId]);
    },

    async cancelOverdue() {
      await cancelJobs(jobs, await store.overdue(new Date(clock.now().getTime() - PLAN_LIMIT_MS)));
    },
  };
}

/** Inserts the job of a plan. */
export function enqueuePlan(
  jobs: ProvisionerJobs,
  tx: Transaction,
  plan: {
    id: string;
    version: BuildVersion;
    organizationId: string;
    /** Those of its build. */
    tags: Tags;
    initiatorId: string;
    priority: number;
  },
): Promise<PendingJob> {
  const { version } = plan;
  return jobs.enqueue(
    {
      organizationId: plan.organizationId,
      initiatorId: plan.initiatorId,
      type: "workspace_plan",
      provisioner: version.provisioner,
      fileId: version.fileId,
      input: { workspace_plan_id: plan.id, template_version_id: version.id },
      tags: plan.tags,
      priority: plan.priority,
    },
    tx,
  );
}

/** Cancels jobs, except those that have ended meanwhile. */
export async function cancelJobs(jobs: ProvisionerJobs, ids: readonly string[]): Promise<void> {
  for (const id of ids) {
    await jobs.cancel(id).catch((error: unknown) => {
      if (
        !(
          error instanceof JobNotCancelable ||
          error instanceof JobNotRetriable ||
          error instanceof JobNotFound
        )
      )
        throw error;
    });
  }
}
