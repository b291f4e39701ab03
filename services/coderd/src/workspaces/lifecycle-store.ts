import type { Database, Transaction } from "../database/client.js";
import { Prisma } from "../database/gen/client.js";
import { SUCCEEDED, statusCondition } from "../provisionerjobs/predicates.js";

/** A workspace with a scheduled action that is due. */
export type DueWorkspace = {
  id: string;
  ownerId: string;
  action: "start" | "stop" | "dormant" | "delete";
  autostartSchedule: string | null;
  nextStartAt: Date | null;
  autostartDays: string[];
  /** False if it is already running or its owner cannot sign in. */
  mayStart: boolean;
  running: boolean;
  deleteAfterMs: number;
};

/** How long before a failed scheduled delete is retried. */
const DELETE_AGAIN_MS = 24 * 3_600_000;
/** How long before a failed scheduled stop is retried; doubles with each further failure, up to a day. */
const STOP_AGAIN_MS = 15 * 60_000;
const STOP_AGAIN_MAX_MS = 24 * 3_600_000;
/** Build reasons of scheduled stops. */
const SCHEDULED_STOPS = ["autostop", "dormancy"];

/** Workspaces that are due to be started, stopped, made dormant or deleted. */
export type LifecycleStore = {
  /** Due workspaces except those in `without`, longest overdue first. */
  due(now: Date, without: readonly string[], limit: number): Promise<DueWorkspace[]>;
  /** The action due for one workspace, whose row is locked. */
  dueOf(tx: Pick<Transaction, "$queryRaw">, id: string, now: Date): Promise<DueWorkspace | undefined>;
  /** Sets the workspace's next scheduled start; null for none. */
  setNextStart(tx: Pick<Transaction, "workspace">, id: string, nextStartAt: Date | null): Promise<void>;
  /** Makes the workspace dormant, to be deleted at `deletingAt` unless that is null. */
  setDormant(
    tx: Pick<Transaction, "workspace">,
    id: string,
    dormantAt: Date,
    deletingAt: Date | null,
  ): Promise<void>;
};

/** The actions due for workspaces `w`; none while a workspace is being built or restarted. */
function dueAt(now: Date, which: Prisma.Sql): Prisma.Sql {
  const ago = (ms: number) => new Date(now.getTime() - ms);
  return Prisma.sql`
    SELECT x.id, x.owner_id AS "ownerId", x.action, x.autostart_schedule AS "autostartSchedule",
      x.next_start_at AS "nextStartAt",
      x.autostart_requirement_days AS "autostartDays", x.may_start AS "mayStart", x.running,
      x.delete_after::float8 AS "deleteAfterMs"
    FROM (
      SELECT w.id, w.owner_id, w.autostart_schedule, w.next_start_at, t.autostart_requirement_days,
        t.time_til_dormant_autodelete_ms AS delete_after,
        s.running, NOT s.running AND u.status <> 'suspended' AS may_start,
        CASE
          WHEN w.deleting_at <= ${now} AND w.dormant_at IS NOT NULL AND t.time_til_dormant_autodelete_ms > 0
            AND (b.transition <> 'delete' OR j.completed_at <= ${ago(DELETE_AGAIN_MS)}) THEN 'delete'
          WHEN w.dormant_at IS NULL AND t.time_til_dormant_ms > 0
            AND w.last_used_at + t.time_til_dormant_ms * interval '1 millisecond' <= ${now} THEN 'dormant'
          WHEN s.running AND b.deadline <= ${now} THEN 'stop'
          WHEN s.failed AND b.transition = 'start' AND t.failure_ttl_ms > 0
            AND j.completed_at + t.failure_ttl_ms * interval '1 millisecond' <= ${now} THEN 'stop'
          WHEN s.failed AND b.transition = 'stop' AND b.reason = ANY(${SCHEDULED_STOPS})
            AND j.completed_at <= ${ago(STOP_AGAIN_MS)}
            AND j.completed_at + LEAST(${STOP_AGAIN_MAX_MS}::float8, ${STOP_AGAIN_MS} * power(2, ${FAILURES_BEFORE}))
              * interval '1 millisecond' <= ${now} THEN 'stop'
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
      WHERE NOT w.deleted AND ${which}
        AND NOT EXISTS (SELECT 1 FROM workspace_restarts r WHERE r.workspace_id = w.id AND r.ended_at IS NULL)
    ) x
    WHERE x.action IS NOT NULL ORDER BY x.since`;
}

/** Number of consecutive failed stops before build `b`, counted only as far as the maximum delay needs. */
const FAILURES_BEFORE = Prisma.sql`(
  SELECT count(*) FROM workspace_builds e
  WHERE e.workspace_id = b.workspace_id AND e.build_number < b.build_number AND e.build_number > COALESCE((
    SELECT max(g.build_number) FROM workspace_builds g JOIN provisioner_jobs gj ON gj.id = g.job_id
    WHERE g.workspace_id = b.workspace_id AND g.build_number < b.build_number
      AND (g.transition <> 'stop' OR COALESCE(gj.error, '') = '')), 0))::float8`;

export function createLifecycleStore(db: Database): LifecycleStore {
  return {
    due(now, without, limit) {
      return db.$queryRaw<DueWorkspace[]>`
        ${dueAt(now, Prisma.sql`w.id <> ALL(${without}::uuid[])`)} LIMIT ${limit}`;
    },

    async dueOf(tx, id, now) {
      return (await tx.$queryRaw<DueWorkspace[]>(dueAt(now, Prisma.sql`w.id = ${id}::uuid`)))[0];
    },

    async setNextStart(tx, id, nextStartAt) {
      await tx.workspace.update({ where: { id }, data: { nextStartAt }, select: { id: true } });
    },

    async setDormant(tx, id, dormantAt, deletingAt) {
      await tx.workspace.update({ where: { id }, data: { dormantAt, deletingAt }, select: { id: true } });
    },
  };
}
