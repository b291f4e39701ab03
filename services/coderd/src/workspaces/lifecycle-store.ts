import type { Database, Transaction } from "../database/client.js";
import { SUCCEEDED, statusCondition } from "../provisionerjobs/predicates.js";

/** A workspace for which something is due. */
export type DueWorkspace = {
  id: string;
  ownerId: string;
  action: "start" | "stop" | "dormant" | "delete";
  autostartSchedule: string | null;
  autostartDays: string[];
  /** False where it runs already, or its owner may not sign in. */
  mayStart: boolean;
  running: boolean;
  deleteAfterMs: number;
};

/** A delete by itself that did not succeed is tried again after so long, not each minute. */
const DELETE_AGAIN_MS = 24 * 3_600_000;
/** Workspaces of one round; the rest is due in the next. */
const DUE_LIMIT = 100;

export type LifecycleStore = ReturnType<typeof createLifecycleStore>;

export function createLifecycleStore(db: Database) {
  return {
    /** What is due, the longest overdue first; never for a workspace that is being built or restarted. */
    due(now: Date): Promise<DueWorkspace[]> {
      return db.$queryRaw<DueWorkspace[]>`
        SELECT x.id, x.owner_id AS "ownerId", x.action, x.autostart_schedule AS "autostartSchedule",
          x.autostart_requirement_days AS "autostartDays", x.may_start AS "mayStart", x.running,
          x.delete_after::float8 AS "deleteAfterMs"
        FROM (
          SELECT w.id, w.owner_id, w.autostart_schedule, t.autostart_requirement_days,
            t.time_til_dormant_autodelete_ms AS delete_after,
            s.running, NOT s.running AND u.status <> 'suspended' AS may_start,
            CASE
              WHEN w.deleting_at <= ${now} AND w.dormant_at IS NOT NULL
                AND (b.transition <> 'delete' OR j.completed_at <= ${new Date(now.getTime() - DELETE_AGAIN_MS)}) THEN 'delete'
              WHEN w.dormant_at IS NULL AND t.time_til_dormant_ms > 0
                AND w.last_used_at + t.time_til_dormant_ms * interval '1 millisecond' <= ${now} THEN 'dormant'
              WHEN s.running AND b.deadline <= ${now} THEN 'stop'
              WHEN s.failed AND b.transition = 'start' AND t.failure_ttl_ms > 0
                AND j.completed_at + t.failure_ttl_ms * interval '1 millisecond' <= ${now} THEN 'stop'
              WHEN w.dormant_at IS NULL AND w.next_start_at <= ${now} AND t.allow_user_autostart THEN 'start'
            END AS action,
            LEAST(w.deleting_at, b.deadline, w.next_start_at, w.last_used_at) AS since
          FROM workspaces w
          JOIN users u ON u.id = w.owner_id
          JOIN templates t ON t.id = w.template_id
          JOIN workspace_builds b ON b.id = w.latest_build_id
          JOIN provisioner_jobs j ON j.id = b.job_id AND j.completed_at IS NOT NULL
          CROSS JOIN LATERAL (SELECT
            b.transition = 'start' AND ${SUCCEEDED} AS running, ${statusCondition("failed")} AS failed) s
          WHERE NOT w.deleted
            AND NOT EXISTS (SELECT 1 FROM workspace_restarts r WHERE r.workspace_id = w.id AND r.ended_at IS NULL)
        ) x
        WHERE x.action IS NOT NULL ORDER BY x.since LIMIT ${DUE_LIMIT}`;
    },

    async setNextStart(id: string, nextStartAt: Date | null): Promise<void> {
      await db.workspace.update({ where: { id }, data: { nextStartAt }, select: { id: true } });
    },

    async setDormant(
      tx: Pick<Transaction, "workspace">,
      id: string,
      dormantAt: Date,
      deletingAt: Date | null,
    ): Promise<void> {
      await tx.workspace.update({ where: { id }, data: { dormantAt, deletingAt }, select: { id: true } });
    },
  };
}
