import { connectionCondition } from "../agents/predicates.js";
import type { Database, Transaction } from "../database/client.js";
import { toJson } from "../database/json.js";
import { SUCCEEDED } from "../provisionerjobs/predicates.js";
import type { Report, Repository } from "./report.js";

/** Who wants the agents of a workspace to look, and which of them could. */
export type CheckScope = {
  template: boolean;
  user: boolean;
  /** Connected agents that have reported before: those of former releases never do. */
  agents: string[];
};

/** Storage of what agents found. */
export type UnpushedWorkStore = {
  /** Replaces the agent's report, unless the check is turned off. True if it was stored. */
  save(workspaceId: string, report: Report): Promise<boolean>;
  /** The reports of each of these workspaces, in one statement. */
  reports(workspaceIds: readonly string[]): Promise<Map<string, Report[]>>;
  /** Undefined if the workspace does not exist. */
  scope(workspaceId: string, now: Date): Promise<CheckScope | undefined>;
  /** Whether the agents of this workspace are to look. */
  isWanted(workspaceId: string): Promise<boolean>;
};

/** The key of a user's setting; absent if the user did not change it. */
export const SETTING = "check_unpushed_work";

export function createUnpushedWorkStore(db: Database): UnpushedWorkStore {
  return {
    async save(workspaceId, { agentName, collectedAt, complete, repositories }) {
      const count = await db.$executeRaw`
        INSERT INTO workspace_unpushed_work (workspace_id, agent_name, collected_at, complete, repositories)
        SELECT w.id, ${agentName}, ${collectedAt}, ${complete}, ${toJson(repositories)}::jsonb
        FROM workspaces w JOIN templates t ON t.id = w.template_id
        LEFT JOIN user_configs c ON c.user_id = w.owner_id AND c.key = ${SETTING}
        WHERE w.id = ${workspaceId}::uuid AND NOT w.deleted AND t.check_unpushed_work AND c.value IS DISTINCT FROM 'false'
        ON CONFLICT (workspace_id, agent_name) DO UPDATE SET collected_at = EXCLUDED.collected_at,
          complete = EXCLUDED.complete, repositories = EXCLUDED.repositories`;
      return count > 0;
    },

    reports: (workspaceIds) => unpushedReports(db, workspaceIds),

    async scope(workspaceId, now) {
      const rows = await db.$queryRaw<CheckScope[]>`
        SELECT t.check_unpushed_work AS template, c.value IS DISTINCT FROM 'false' AS user,
          ARRAY(SELECT a.name FROM workspace_resources r JOIN workspace_agents a ON a.resource_id = r.id
            JOIN workspace_unpushed_work u ON u.workspace_id = w.id AND u.agent_name = a.name
            WHERE r.job_id = b.job_id AND b.transition = 'start' AND ${SUCCEEDED}
              AND ${connectionCondition("connected", now)}) AS agents
        FROM workspaces w JOIN templates t ON t.id = w.template_id
        JOIN workspace_builds b ON b.id = w.latest_build_id JOIN provisioner_jobs j ON j.id = b.job_id
        LEFT JOIN user_configs c ON c.user_id = w.owner_id AND c.key = ${SETTING}
        WHERE w.id = ${workspaceId}::uuid`;
      return rows[0];
    },

    async isWanted(workspaceId) {
      const rows = await db.$queryRaw<{ wanted: boolean }[]>`
        SELECT t.check_unpushed_work AND c.value IS DISTINCT FROM 'false' AS wanted
        FROM workspaces w JOIN templates t ON t.id = w.template_id
        LEFT JOIN user_configs c ON c.user_id = w.owner_id AND c.key = ${SETTING}
        WHERE w.id = ${workspaceId}::uuid`;
      return rows[0]?.wanted ?? false;
    },
  };
}

/** What is known of each of these workspaces, unless its template or user has turned the check off. */
export async function unpushedReports(
  tx: Pick<Transaction, "workspaceUnpushedWork">,
  workspaceIds: readonly string[],
): Promise<Map<string, Report[]>> {
  const rows = await tx.workspaceUnpushedWork.findMany({
    where: {
      workspaceId: { in: [...workspaceIds] },
      workspace: {
        template: { checkUnpushedWork: true },
        owner: { configs: { none: { key: SETTING, value: "false" } } },
      },
    },
    orderBy: { agentName: "asc" },
  });
  const reports = rows.map(({ repositories, ...row }) => ({
    ...row,
    repositories: repositories as Repository[],
  }));
  return Map.groupBy(reports, ({ workspaceId }) => workspaceId);
}
