import type { ParameterValue } from "@fleet/parameters";
import type { WorkspaceAccess } from "../auth/workspace-access.js";
import { type Database, inTransaction, type Transaction } from "../database/client.js";
import type { BuildTransition } from "../database/gen/enums.js";
import { toJson } from "../database/json.js";

export type PlanAction = "add" | "change" | "replace" | "destroy" | "forget";

/** What a plan changes, as stored and as sent. */
export type PlanChanges = {
  add: number;
  change: number;
  replace: number;
  destroy: number;
  changes: { address: string; type: string; action: PlanAction; reasons: string[]; loses_data: boolean }[];
  drift: { address: string; type: string; deleted: boolean }[];
  truncated: boolean;
  daily_cost_before: number;
  daily_cost: number;
};

export type NewPlan = {
  id: string;
  workspaceId: string;
  templateVersionId: string;
  initiatorId: string;
  transition: BuildTransition;
  parameters: ParameterValue[];
  skipRefresh: boolean;
  survey: boolean;
  jobId: string | null;
  error: string;
  createdAt: Date;
};

export type PlanRow = {
  id: string;
  workspaceId: string;
  templateVersionId: string;
  transition: BuildTransition;
  skipRefresh: boolean;
  jobId: string;
  result: PlanChanges | null;
  createdAt: Date;
};

/** A plan of a version for one of its template's workspaces. */
export type SurveyRow = {
  workspaceId: string;
  workspaceName: string;
  ownerName: string;
  jobId: string | null;
  /** Why it cannot be planned, or why its plan failed or was canceled; empty for neither. */
  error: string;
  ended: boolean;
  result: PlanChanges | null;
};

/** A plan that waits to be queued, with what its job needs. */
export type WaitingPlan = {
  id: string;
  templateVersionId: string;
  initiatorId: string;
  organizationId: string;
  ownerId: string;
};

type Reads = Pick<Transaction, "$queryRaw">;
type Writes = Pick<Transaction, "$executeRaw">;

/** Stores plans of builds. */
export type PlanStore = {
  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T>;
  /** The workspace as a policy object; undefined if it does not exist. */
  workspace(id: string): Promise<WorkspaceAccess | undefined>;
  insert(tx: Transaction, plans: readonly NewPlan[]): Promise<void>;
  /** Undefined if the workspace has no such plan. */
  find(workspaceId: string, id: string): Promise<PlanRow | undefined>;
  /** Number of the workspace's plans that have not ended. */
  countActive(tx: Reads, workspaceId: string): Promise<number>;
  /** By job. */
  options(jobIds: readonly string[]): Promise<Map<string, { skipRefresh: boolean }>>;
  /** The plan of the job, with the credits per day as of the workspace's last successful build. */
  planned(jobId: string, tx?: Reads): Promise<{ workspaceId: string; dailyCost: number } | undefined>;
  setResult(jobId: string, result: PlanChanges, tx: Writes): Promise<void>;
  /** Jobs of plans that were created before and have not ended. */
  overdue(before: Date): Promise<string[]>;

  /** The template's workspaces, most recently used first, and their number. Not those that are deleted or dormant. */
  workspacesOf(templateId: string, limit: number): Promise<{ ids: string[]; total: number }>;
  countWorkspaces(templateId: string): Promise<number>;
  survey(versionId: string): Promise<SurveyRow[]>;
  /** Ends the version's survey, and returns those of its jobs that have not ended. */
  dropSurvey(tx: Reads, versionId: string): Promise<string[]>;
  /** Only one transaction at a time gets past this. */
  lockQueue(tx: Writes): Promise<void>;
  countQueued(tx: Reads): Promise<number>;
  waiting(tx: Reads, limit: number): Promise<WaitingPlan[]>;
  /** Sets the waiting plan's job. */
  queued(tx: Writes, id: string, jobId: string): Promise<void>;
  /** The waiting plan will never be queued. */
  giveUp(tx: Writes, id: string, error: string): Promise<void>;
};

const QUEUE_LOCK = "survey of workspaces";

export function createPlanStore(db: Database): PlanStore {
  return {
    transaction: <T>(work: (tx: Transaction) => Promise<T>) => inTransaction(db, work),

    async workspace(id) {
      const select = { id: true, ownerId: true, organizationId: true, userAcl: true, groupAcl: true };
      return (await db.workspace.findUnique({ where: { id }, select })) ?? undefined;
    },

    async insert(tx, plans) {
      await tx.workspacePlan.createMany({ data: [...plans] });
    },

    async find(workspaceId, id) {
      const rows = await db.$queryRaw<PlanRow[]>`
        SELECT id, workspace_id AS "workspaceId", template_version_id AS "templateVersionId", transition,
          skip_refresh AS "skipRefresh", job_id AS "jobId", result, created_at AS "createdAt"
        FROM workspace_plans WHERE id = ${id}::uuid AND workspace_id = ${workspaceId}::uuid AND job_id IS NOT NULL`;
      return rows[0];
    },

    async countActive(tx, workspaceId) {
      const rows = await tx.$queryRaw<{ count: number }[]>`
        SELECT count(*)::int AS count FROM workspace_plans p JOIN provisioner_jobs j ON j.id = p.job_id
        WHERE p.workspace_id = ${workspaceId}::uuid AND NOT p.survey AND j.completed_at IS NULL`;
      return rows[0]!.count;
    },

    async options(jobIds) {
      const rows = await db.$queryRaw<{ jobId: string; skipRefresh: boolean }[]>`
        SELECT job_id AS "jobId", skip_refresh AS "skipRefresh" FROM workspace_plans WHERE job_id = ANY(${jobIds}::uuid[])`;
      return new Map(rows.map(({ jobId, skipRefresh }) => [jobId, { skipRefresh }]));
    },

    async planned(jobId, tx = db) {
      const rows = await tx.$queryRaw<{ workspaceId: string; dailyCost: number }[]>`
        SELECT p.workspace_id AS "workspaceId", COALESCE((SELECT b.daily_cost FROM workspace_builds b
          JOIN provisioner_jobs j ON j.id = b.job_id
          WHERE b.workspace_id = p.workspace_id AND j.completed_at IS NOT NULL AND j.error IS NULL AND j.canceled_at IS NULL
          ORDER BY b.build_number DESC LIMIT 1), 0) AS "dailyCost"
        FROM workspace_plans p WHERE p.job_id = ${jobId}::uuid`;
      return rows[0];
    },

    async setResult(jobId, result, tx) {
      await tx.$executeRaw`
        UPDATE workspace_plans SET result = ${toJson(result)}::jsonb WHERE job_id = ${jobId}::uuid`;
    },

    async overdue(before) {
      const rows = await db.$queryRaw<{ id: string }[]>`
        SELECT j.id FROM workspace_plans p JOIN provisioner_jobs j ON j.id = p.job_id
        WHERE j.created_at < ${before} AND j.completed_at IS NULL AND j.canceled_at IS NULL LIMIT 100`;
      return rows.map(({ id }) => id);
    },

    async workspacesOf(templateId, limit) {
      const rows = await db.$queryRaw<{ id: string; total: number }[]>`
        SELECT w.id, count(*) OVER ()::int AS total FROM workspaces w
        WHERE w.template_id = ${templateId}::uuid AND NOT w.deleted AND w.dormant_at IS NULL AND w.latest_build_id IS NOT NULL
        ORDER BY w.last_used_at DESC, w.id LIMIT ${limit}`;
      return { ids: rows.map(({ id }) => id), total: rows[0]?.total ?? 0 };
    },

    countWorkspaces: (templateId) =>
      db.workspace.count({
        where: { templateId, deleted: false, dormantAt: null, latestBuildId: { not: null } },
      }),

    survey(versionId) {
      return db.$queryRaw<SurveyRow[]>`
        SELECT w.id AS "workspaceId", w.name AS "workspaceName", u.username AS "ownerName", p.job_id AS "jobId",
          CASE WHEN p.error <> '' THEN p.error WHEN j.error IS NOT NULL THEN j.error
            WHEN j.canceled_at IS NOT NULL AND j.completed_at IS NOT NULL THEN 'The plan was canceled.' ELSE '' END AS error,
          p.error <> '' OR j.completed_at IS NOT NULL AS ended, p.result
        FROM workspace_plans p JOIN workspaces w ON w.id = p.workspace_id JOIN users u ON u.id = w.owner_id
        LEFT JOIN provisioner_jobs j ON j.id = p.job_id
        WHERE p.template_version_id = ${versionId}::uuid AND p.survey ORDER BY u.username, w.name, w.id`;
    },

    async dropSurvey(tx, versionId) {
      const rows = await tx.$queryRaw<{ id: string }[]>`
        WITH waiting AS (
          DELETE FROM workspace_plans WHERE template_version_id = ${versionId}::uuid AND survey AND job_id IS NULL
        ), dropped AS (
          -- Kept as plans of their workspaces: a daemon that has just taken the job still needs it.
          UPDATE workspace_plans SET survey = false
          WHERE template_version_id = ${versionId}::uuid AND survey AND job_id IS NOT NULL RETURNING job_id
        )
        SELECT j.id FROM dropped d JOIN provisioner_jobs j ON j.id = d.job_id WHERE j.completed_at IS NULL`;
      return rows.map(({ id }) => id);
    },

    async lockQueue(tx) {
      await tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended(${QUEUE_LOCK}, 0))`;
    },

    async countQueued(tx) {
      const rows = await tx.$queryRaw<{ count: number }[]>`
        SELECT count(*)::int AS count FROM workspace_plans p JOIN provisioner_jobs j ON j.id = p.job_id
        WHERE p.survey AND j.completed_at IS NULL`;
      return rows[0]!.count;
    },

    waiting(tx, limit) {
      return tx.$queryRaw<WaitingPlan[]>`
        SELECT p.id, p.template_version_id AS "templateVersionId", p.initiator_id AS "initiatorId",
          w.organization_id AS "organizationId", w.owner_id AS "ownerId"
        FROM workspace_plans p JOIN workspaces w ON w.id = p.workspace_id
        WHERE p.job_id IS NULL AND p.error = '' ORDER BY p.created_at, p.id LIMIT ${limit} FOR UPDATE OF p`;
    },

    async queued(tx, id, jobId) {
      await tx.$executeRaw`UPDATE workspace_plans SET job_id = ${jobId}::uuid WHERE id = ${id}::uuid AND job_id IS NULL`;
    },

    async giveUp(tx, id, error) {
      await tx.$executeRaw`UPDATE workspace_plans SET error = ${error} WHERE id = ${id}::uuid AND job_id IS NULL`;
    },
  };
}
