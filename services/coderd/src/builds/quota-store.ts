import type { Database, Transaction } from "../database/client.js";
import { JobLost } from "../provisionerjobs/errors.js";

export type Quota = { ok: boolean; consumed: number; budget: number };

/**
 * Enforces quotas. The budget is the sum of the allowances of the owner's groups in the organization; without any
 * allowance there is no limit. A build that lowers its workspace's cost, and any delete, always passes. Builds of one
 * owner and organization are checked one at a time.
 */
export type Quotas = {
  /** Daily cost and budget of the owner's workspaces in the organization. */
  of(owner: QuotaOwner): Promise<{ consumed: number; budget: number }>;
  /** Charges the cost of the running job's build if the budget allows it, and returns whether it did. @throws JobLost. */
  commit(jobId: string, daemonId: string, dailyCost: number): Promise<Quota>;
};

export function createQuotas(db: Database): Quotas {
  return {
    of: (owner) => sumsOf(db, owner),

    async commit(jobId, daemonId, dailyCost) {
      return db.$transaction(async (tx) => {
        const [build] = await tx.$queryRaw<
          {
            id: string;
            workspaceId: string;
            ownerId: string;
            organizationId: string;
            transition: string;
            before: number;
          }[]
        >`
          SELECT b.id, b.workspace_id AS "workspaceId", w.owner_id AS "ownerId", w.organization_id AS "organizationId",
            b.transition, COALESCE((SELECT p.daily_cost FROM workspace_builds p WHERE p.workspace_id = w.id
              AND p.build_number < b.build_number ORDER BY p.build_number DESC LIMIT 1), 0) AS before
          FROM provisioner_jobs j JOIN workspace_builds b ON b.job_id = j.id JOIN workspaces w ON w.id = b.workspace_id
          WHERE j.id = ${jobId}::uuid AND j.worker_id = ${daemonId}::uuid AND j.completed_at IS NULL`;
        if (!build) throw new JobLost(jobId);
        await tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended(${`quota ${build.ownerId} ${build.organizationId}`}, 0))`;
        const { consumed, budget } = await sumsOf(tx, build, build.workspaceId);
        const lowers = build.transition === "delete" || dailyCost <= build.before;
        const ok = budget === 0 || lowers || consumed + dailyCost <= budget;
        if (ok)
          await tx.workspaceBuild.update({
            where: { id: build.id },
            data: { dailyCost },
            select: { id: true },
          });
        return { ok, consumed: consumed + (ok ? dailyCost : 0), budget };
      });
    },
  };
}

type QuotaOwner = { ownerId: string; organizationId: string };

async function sumsOf(
  db: Transaction,
  { ownerId, organizationId }: QuotaOwner,
  exceptWorkspaceId: string | null = null,
): Promise<{ consumed: number; budget: number }> {
  const [sums] = await db.$queryRaw<{ consumed: number; budget: number }[]>`
    SELECT
      COALESCE((SELECT sum(b.daily_cost) FROM workspaces w JOIN workspace_builds b ON b.id = w.latest_build_id
        WHERE w.owner_id = ${ownerId}::uuid AND w.organization_id = ${organizationId}::uuid
          AND NOT w.deleted AND w.id IS DISTINCT FROM ${exceptWorkspaceId}::uuid), 0)::int AS consumed,
      COALESCE((SELECT sum(g.quota_allowance) FROM groups g
        WHERE g.organization_id = ${organizationId}::uuid AND (g.id = g.organization_id OR EXISTS (
          SELECT 1 FROM group_members m WHERE m.group_id = g.id AND m.user_id = ${ownerId}::uuid))), 0)::int AS budget`;
  return sums!;
}
