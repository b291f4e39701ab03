import type { ParameterValue } from "@fleet/parameters";
import type { Database, Transaction } from "../database/client.js";
import { Prisma } from "../database/gen/client.js";
import type { BuildTransition } from "../database/gen/enums.js";
import { toJson } from "../database/json.js";
import { isJudged } from "../policies/applies.js";
import { type Persistence, withoutIndexes } from "./data-loss.js";
import { CLAIMS } from "./store.js";

/** What decides about the data loss of a running build. */
export type DataLossRule = {
  workspaceId: string;
  /** off, ask or deny. */
  policy: string;
  accepted: boolean;
  transition: BuildTransition;
  /** Policies judge the build, too. */
  judged: boolean;
  /** It hands a prebuild to its owner. */
  claims: boolean;
};

/** A change of a stored plan that loses data. */
export type PlannedLoss = { address: string; action: string; reasons: string[] };

export type DataLossStore = {
  /** Undefined if the job is no build. */
  rule(jobId: string): Promise<DataLossRule | undefined>;
  /** What is known of the workspace's resources, except from the build of `exceptJob`, which has not applied yet. */
  persistence(
    workspaceId: string,
    exceptJob: string | undefined,
    tx?: Pick<Transaction, "$queryRaw">,
  ): Promise<Persistence>;
  /**
   * What the newest plan of the same build loses, if the workspace was planned since its last build ended. Empty if that
   * plan loses nothing, or there is none.
   */
  plannedLosses(
    tx: Pick<Transaction, "$queryRaw">,
    build: {
      workspaceId: string;
      versionId: string;
      transition: BuildTransition;
      parameters: readonly ParameterValue[];
    },
  ): Promise<PlannedLoss[]>;
};

export function createDataLossStore(db: Database): DataLossStore {
  return {
    async rule(jobId) {
      const rows = await db.$queryRaw<DataLossRule[]>`
        SELECT w.id AS "workspaceId", t.data_loss_policy AS policy, b.accepts_data_loss AS accepted, b.transition,
          ${CLAIMS} IS TRUE AS claims,
          ${isJudged({ organization: Prisma.sql`w.organization_id`, template: Prisma.sql`w.template_id`, transition: Prisma.sql`b.transition` })} AS judged
        FROM workspace_builds b JOIN workspaces w ON w.id = b.workspace_id JOIN templates t ON t.id = w.template_id
        JOIN provisioner_jobs j ON j.id = b.job_id
        WHERE b.job_id = ${jobId}::uuid`;
      return rows[0];
    },

    async persistence(workspaceId, exceptJob, tx = db) {
      // From the imports of the versions of the last start and the last stop, and from that stop itself.
      const rows = await tx.$queryRaw<{ address: string; kept: boolean }[]>`
        WITH last AS (
          SELECT DISTINCT ON (b.transition) b.job_id, b.template_version_id, b.transition FROM workspace_builds b
          JOIN provisioner_jobs j ON j.id = b.job_id
          WHERE b.workspace_id = ${workspaceId}::uuid AND b.transition <> 'delete' AND b.job_id IS DISTINCT FROM ${exceptJob ?? null}::uuid
            AND j.started_at IS NOT NULL
          ORDER BY b.transition, b.build_number DESC
        )
        SELECT r.address, r.transition = 'stop' AS kept FROM last JOIN template_versions v ON v.id = last.template_version_id
        JOIN workspace_resources r ON r.job_id = v.job_id
        UNION
        SELECT r.address, true FROM last JOIN workspace_resources r ON r.job_id = last.job_id WHERE last.transition = 'stop'`;
      const addresses = (kept: boolean) =>
        new Set(rows.filter((row) => row.kept === kept).map(({ address }) => withoutIndexes(address)));
      return { started: addresses(false), kept: addresses(true) };
    },

    async plannedLosses(tx, { workspaceId, versionId, transition, parameters }) {
      const rows = await tx.$queryRaw<{ losses: PlannedLoss[] | null }[]>`
        SELECT jsonb_path_query_array(p.result, '$.changes[*] ? (@.loses_data == true)') AS losses
        FROM workspace_plans p JOIN workspaces w ON w.id = p.workspace_id
        LEFT JOIN workspace_builds b ON b.id = w.latest_build_id LEFT JOIN provisioner_jobs j ON j.id = b.job_id
        WHERE p.workspace_id = ${workspaceId}::uuid AND p.template_version_id = ${versionId}::uuid
          AND p.transition = ${transition}::build_transition AND p.result IS NOT NULL
          AND p.parameters = ${toJson(parameters)}::jsonb AND p.created_at >= COALESCE(j.completed_at, p.created_at)
        ORDER BY p.created_at DESC LIMIT 1`;
      return rows[0]?.losses ?? [];
    },
  };
}
