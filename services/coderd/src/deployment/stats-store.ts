import { type Clock, createCachedValue } from "@fleet/base";
import type { Database } from "../database/client.js";
import { PENDING, RUNNING, SUCCEEDED } from "../provisionerjobs/predicates.js";

/** Time window of session and traffic statistics. */
const WINDOW_MS = 15 * 60_000;
export const STATS_CACHE_MS = 30_000;

export type WorkspaceCounts = {
  pending: number;
  building: number;
  running: number;
  failed: number;
  stopped: number;
};

export type DeploymentStats = {
  aggregatedFrom: Date;
  collectedAt: Date;
  nextUpdateAt: Date;
  workspaces: WorkspaceCounts & { p50: number; p95: number; rxBytes: number; txBytes: number };
  sessions: { vscode: number; ssh: number; jetbrains: number; reconnectingPty: number };
};

/** Statistics of the whole deployment. */
export type DeploymentNumbers = {
  /** Cached for STATS_CACHE_MS. */
  stats(): Promise<DeploymentStats>;
};

export function createDeploymentNumbers({ db, clock }: { db: Database; clock: Clock }): DeploymentNumbers {
  async function collect(): Promise<DeploymentStats> {
    const collectedAt = clock.now();
    const aggregatedFrom = new Date(collectedAt.getTime() - WINDOW_MS);
    const [[workspaces], [traffic], [sessions]] = await Promise.all([
      db.$queryRaw<WorkspaceCounts[]>`
        SELECT
          count(*) FILTER (WHERE ${PENDING})::int AS pending,
          count(*) FILTER (WHERE ${RUNNING})::int AS building,
          count(*) FILTER (WHERE j.completed_at IS NOT NULL AND NOT (${SUCCEEDED}))::int AS failed,
          count(*) FILTER (WHERE ${SUCCEEDED} AND b.transition = 'start')::int AS running,
          count(*) FILTER (WHERE ${SUCCEEDED} AND b.transition = 'stop')::int AS stopped
        FROM workspaces w JOIN workspace_builds b ON b.id = w.latest_build_id JOIN provisioner_jobs j ON j.id = b.job_id
        WHERE NOT w.deleted`,
      db.$queryRaw<{ p50: number; p95: number; rxBytes: number; txBytes: number }[]>`
        SELECT coalesce(percentile_cont(0.5) WITHIN GROUP (ORDER BY connection_median_latency_ms)
                 FILTER (WHERE connection_median_latency_ms > 0), -1) AS p50,
               coalesce(percentile_cont(0.95) WITHIN GROUP (ORDER BY connection_median_latency_ms)
                 FILTER (WHERE connection_median_latency_ms > 0), -1) AS p95,
               coalesce(sum(rx_bytes), 0)::float8 AS "rxBytes", coalesce(sum(tx_bytes), 0)::float8 AS "txBytes"
        FROM workspace_agent_stats WHERE created_at > ${aggregatedFrom}`,
      db.$queryRaw<DeploymentStats["sessions"][]>`
        SELECT coalesce(sum(session_count_vscode), 0)::int AS vscode, coalesce(sum(session_count_ssh), 0)::int AS ssh,
               coalesce(sum(session_count_jetbrains), 0)::int AS jetbrains,
               coalesce(sum(session_count_reconnecting_pty), 0)::int AS "reconnectingPty"
        FROM (SELECT DISTINCT ON (agent_id) * FROM workspace_agent_stats
              WHERE NOT by_client AND created_at > ${aggregatedFrom} ORDER BY agent_id, created_at DESC) latest`,
    ]);
    return {
      aggregatedFrom,
      collectedAt,
      nextUpdateAt: new Date(collectedAt.getTime() + STATS_CACHE_MS),
      workspaces: { ...workspaces!, ...traffic! },
      sessions: sessions!,
    };
  }

  return {
    stats: createCachedValue(clock, STATS_CACHE_MS, collect),
  };
}
