import { type Database, inTransaction, type Transaction } from "../database/client.js";
import { Prisma } from "../database/gen/client.js";
import { toJson } from "../database/json.js";
import { JOB_STATUS, SUCCEEDED, statusCondition } from "../provisionerjobs/predicates.js";
import { TTL_MS } from "../schedules/predicates.js";
import type { Run, ScheduleFacts, ScheduleState } from "../schedules/rules.js";

/** A workspace for which something may be due. */
export type Candidate = ScheduleFacts &
  ScheduleState &
  Pick<Run, "maxDeadline" | "ttlMs"> & {
    id: string;
    name: string;
    ownerId: string;
    ownerName: string;
    templateId: string;
    templateName: string;
    buildId: string;
    buildNumber: number;
  };

/** An autostart that starts nothing: what it changes, if nothing else has changed it meanwhile. */
export type Passed = {
  id: string;
  nextStartAt: Date;
  next: Date | null;
  buildId: string;
  deadline: Date | null;
  nextDeadline: Date | null;
};

/** A running workspace that stops soon. */
export type Stopping = {
  buildId: string;
  workspaceId: string;
  name: string;
  ownerId: string;
  ownerName: string;
  templateId: string;
  deadline: Date;
  required: boolean;
};

/** What the schedules of workspaces are read from and stored in. */
export type LifecycleStore = {
  /** Workspaces for which something may be due, except those in `without`, longest overdue first. */
  due(now: Date, without: readonly string[], limit: number): Promise<Candidate[]>;
  /** The same of one workspace, whose row is locked; undefined while it is being built or restarted. */
  dueOf(tx: Pick<Transaction, "$queryRaw">, id: string, now: Date): Promise<Candidate | undefined>;
  /** One statement for any number of workspaces. Returns how many it changed. */
  pass(passed: readonly Passed[]): Promise<number>;
  /** Sets when autostart comes next; null for never. */
  setNextStart(tx: Pick<Transaction, "workspace">, id: string, nextStartAt: Date | null): Promise<void>;
  setState(tx: Pick<Transaction, "workspace">, id: string, state: ScheduleState): Promise<void>;
  /** Makes the workspace dormant, to be deleted at `deletingAt` unless that is null. */
  setDormant(
    tx: Pick<Transaction, "workspace">,
    id: string,
    dormantAt: Date,
    deletingAt: Date | null,
  ): Promise<void>;
  /**
   * Workspaces that stop before `before`, each once for each deadline. Without those whose stop activity still postpones:
   * used since `usedSince`, unless the template requires the stop.
   */
  takeStopping(
    tx: Pick<Transaction, "$queryRaw">,
    times: { now: Date; before: Date; usedSince: Date },
    limit: number,
  ): Promise<Stopping[]>;
  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T>;
  /** The database's time, which all replicas share. */
  databaseTime(): Promise<Date>;
};

const FAILED = statusCondition("failed");

/** Where something may be due; schedules/rules.ts says what is. */
function mayBeDue(now: Date): Prisma.Sql {
  const passed = (time: Prisma.Sql, ms: Prisma.Sql) =>
    Prisma.sql`${time} + ${ms} * interval '1 millisecond' <= ${now}`;
  return Prisma.sql`(
    (w.next_start_at <= ${now} AND w.dormant_at IS NULL AND t.allow_user_autostart)
    OR (COALESCE(w.schedule_retry_at <= ${now} OR w.schedule_retry_at = w.next_start_at, true) AND (
      w.deleting_at <= ${now}
      OR (w.dormant_at IS NULL AND t.time_til_dormant_ms > 0
        AND ${passed(Prisma.sql`w.last_used_at`, Prisma.sql`t.time_til_dormant_ms`)})
      OR (b.transition = 'start' AND (b.deadline <= ${now} OR w.dormant_at IS NOT NULL OR u.status = 'suspended'))
      OR (b.transition = 'start' AND t.failure_ttl_ms > 0 AND ${FAILED}
        AND ${passed(Prisma.sql`j.completed_at`, Prisma.sql`t.failure_ttl_ms`)})
      OR (b.transition = 'stop' AND b.reason IN ('autostop', 'dormancy') AND NOT (${SUCCEEDED})))))`;
}

function select(which: Prisma.Sql): Prisma.Sql {
  return Prisma.sql`
    SELECT w.id, w.name, w.owner_id AS "ownerId", u.username AS "ownerName", t.id AS "templateId",
      COALESCE(NULLIF(t.display_name, ''), t.name) AS "templateName", b.id AS "buildId", b.build_number AS "buildNumber",
      b.transition::text AS transition, ${JOB_STATUS} AS outcome, b.reason, j.completed_at AS "endedAt", b.deadline,
      b.max_deadline AS "maxDeadline", ${TTL_MS} AS "ttlMs", u.status <> 'suspended' AS "ownerActive",
      w.last_used_at AS "lastUsedAt", w.dormant_at AS "dormantAt", w.deleting_at AS "deletingAt",
      w.autostart_schedule AS "autostartSchedule", w.next_start_at AS "nextStartAt", w.schedule_retry_at AS "retryAt",
      w.schedule_failures AS failures, w.schedule_error AS error, t.allow_user_autostart AS "allowAutostart",
      t.autostart_requirement_days AS "autostartDays", t.failure_ttl_ms::float8 AS "failureTtlMs",
      t.time_til_dormant_ms::float8 AS "dormantAfterMs", t.time_til_dormant_autodelete_ms::float8 AS "deleteAfterMs"
    FROM workspaces w
    JOIN users u ON u.id = w.owner_id
    JOIN templates t ON t.id = w.template_id
    JOIN workspace_builds b ON b.id = w.latest_build_id
    JOIN provisioner_jobs j ON j.id = b.job_id AND j.completed_at IS NOT NULL
    WHERE NOT w.deleted AND NOT u.is_system AND ${which}
      AND NOT EXISTS (SELECT 1 FROM workspace_restarts r WHERE r.workspace_id = w.id AND r.ended_at IS NULL)`;
}

export function createLifecycleStore(db: Database): LifecycleStore {
  return {
    due(now, without, limit) {
      const which = Prisma.sql`${mayBeDue(now)} AND w.id <> ALL(${[...without]}::uuid[])`;
      return db.$queryRaw<Candidate[]>`${select(which)}
        ORDER BY LEAST(w.deleting_at, b.deadline, w.next_start_at, w.last_used_at), w.id LIMIT ${limit}`;
    },

    async dueOf(tx, id, now) {
      const which = Prisma.sql`w.id = ${id}::uuid AND ${mayBeDue(now)}`;
      return (await tx.$queryRaw<Candidate[]>(select(which)))[0];
    },

    async pass(passed) {
      if (passed.length === 0) return 0;
      const rows = passed
        .toSorted((a, b) => (a.id < b.id ? -1 : 1))
        .map(({ id, nextStartAt, next, buildId, deadline, nextDeadline }) => ({
          id,
          was: nextStartAt,
          next,
          build_id: buildId,
          deadline_was: deadline,
          deadline: nextDeadline,
        }));
      return db.$executeRaw`
        WITH change AS (
          SELECT * FROM jsonb_to_recordset(${toJson(rows)}::jsonb) AS c(id uuid, was timestamptz, next timestamptz,
            build_id uuid, deadline_was timestamptz, deadline timestamptz)
        ), locked AS (
          SELECT id FROM workspaces WHERE id IN (SELECT id FROM change) ORDER BY id FOR NO KEY UPDATE
        ), extended AS (
          UPDATE workspace_builds b SET deadline = c.deadline FROM change c JOIN locked USING (id)
          WHERE b.id = c.build_id AND b.deadline = c.deadline_was AND c.deadline > c.deadline_was
        )
        UPDATE workspaces w SET next_start_at = c.next,
          schedule_retry_at = CASE WHEN w.schedule_retry_at = w.next_start_at THEN NULL ELSE w.schedule_retry_at END
        FROM change c JOIN locked USING (id) WHERE w.id = c.id AND w.next_start_at = c.was`;
    },

    async setNextStart(tx, id, nextStartAt) {
      await tx.workspace.update({
        where: { id },
        data: { nextStartAt, scheduleRetryAt: null },
        select: { id: true },
      });
    },

    async setState(tx, id, { failures, error, retryAt, nextStartAt }) {
      await tx.workspace.update({
        where: { id },
        data: { scheduleFailures: failures, scheduleError: error, scheduleRetryAt: retryAt, nextStartAt },
        select: { id: true },
      });
    },

    async setDormant(tx, id, dormantAt, deletingAt) {
      await tx.workspace.update({ where: { id }, data: { dormantAt, deletingAt }, select: { id: true } });
    },

    takeStopping(tx, { now, before, usedSince }, limit) {
      return tx.$queryRaw<Stopping[]>`
        WITH stopping AS (
          SELECT b.id FROM workspace_builds b JOIN workspaces w ON w.latest_build_id = b.id
          JOIN provisioner_jobs j ON j.id = b.job_id
          WHERE b.transition = 'start' AND b.deadline > ${now} AND b.deadline <= ${before} AND ${SUCCEEDED}
            AND NOT w.deleted AND b.reminded_of IS DISTINCT FROM b.deadline
            AND (b.deadline = b.max_deadline OR w.last_used_at < ${usedSince})
          ORDER BY b.id LIMIT ${limit} FOR NO KEY UPDATE OF b SKIP LOCKED
        )
        UPDATE workspace_builds b SET reminded_of = b.deadline
        FROM stopping s, workspaces w JOIN users u ON u.id = w.owner_id
        WHERE b.id = s.id AND w.latest_build_id = b.id
        RETURNING b.id AS "buildId", w.id AS "workspaceId", w.name, w.owner_id AS "ownerId", u.username AS "ownerName",
          w.template_id AS "templateId", b.deadline, b.deadline IS NOT DISTINCT FROM b.max_deadline AS required`;
    },

    transaction: (work) => inTransaction(db, work),

    async databaseTime() {
      const [row] = await db.$queryRaw<{ now: Date }[]>`SELECT now() AS now`;
      return row!.now;
    },
  };
}
