import type { Transaction } from "../database/transaction.js";
import { NEXT_START, TTL_MS } from "../schedules/predicates.js";
import { parseQuietHours, type QuietHoursPolicy, quietHoursOf } from "../schedules/quiet-hours.js";
import {
  afterFailure,
  afterStart,
  afterSuccess,
  type Deadlines,
  isScheduled,
  type Run,
  type ScheduleState,
} from "../schedules/rules.js";

type Row = ScheduleState &
  Pick<Run, "ttlMs"> & {
    jobId: string;
    transition: string;
    reason: string;
    /** Null if the template does not allow autostart. */
    allowedStartAt: Date | null;
    days: string[];
    weeks: number;
    ownQuietHours: string | null;
    /** Has no schedule of this kind: prebuilds/ creates and deletes it. */
    isPrebuild: boolean;
    jobError: string;
    canceled: boolean;
  };

/** What the end of a build changes in its workspace's schedule. */
export type ScheduleChange = Partial<Deadlines> & ScheduleState;

/** What the end of these builds at `now` changes in their workspaces' schedules, by job. Locks the workspaces. */
export async function scheduleChanges(
  tx: Pick<Transaction, "$queryRaw">,
  jobIds: readonly string[],
  { failed, now, quietHours }: { failed: boolean; now: Date; quietHours: QuietHoursPolicy },
): Promise<Map<string, ScheduleChange>> {
  const rows = await tx.$queryRaw<Row[]>`
    SELECT b.job_id AS "jobId", b.transition::text AS transition, b.reason, ${TTL_MS} AS "ttlMs",
      w.next_start_at AS "nextStartAt", ${NEXT_START} AS "allowedStartAt", w.schedule_failures AS failures,
      w.schedule_error AS error, w.schedule_retry_at AS "retryAt", t.autostop_requirement_days AS days,
      t.autostop_requirement_weeks AS weeks, u.quiet_hours AS "ownQuietHours", COALESCE(j.error, '') AS "jobError",
      j.canceled_at IS NOT NULL AS canceled, u.is_system AS "isPrebuild"
    FROM workspace_builds b
    JOIN provisioner_jobs j ON j.id = b.job_id
    JOIN workspaces w ON w.id = b.workspace_id
    JOIN templates t ON t.id = w.template_id
    JOIN users u ON u.id = w.owner_id
    WHERE b.job_id = ANY(${[...jobIds]}::uuid[]) ORDER BY w.id FOR NO KEY UPDATE OF w`;
  return new Map(rows.map((row) => [row.jobId, changeOf(row, failed, now, quietHours)]));
}

function changeOf(row: Row, failed: boolean, now: Date, policy: QuietHoursPolicy): ScheduleChange {
  const { failures, error, retryAt, nextStartAt, reason, transition, days, weeks } = row;
  const state = { failures, error, retryAt, nextStartAt };
  if (failed) {
    const counts = isScheduled(reason) && !row.canceled;
    return counts ? afterFailure(state, reason, row.jobError, now) : state;
  }
  const after = afterSuccess(state, transition, reason);
  if (transition !== "start" || row.isPrebuild) return after;
  const quietHours = parseQuietHours(quietHoursOf(row.ownQuietHours, policy));
  const run = { ttlMs: row.ttlMs, nextStartAt: row.allowedStartAt };
  return { ...after, ...afterStart(run, { days, weeks, quietHours }, now) };
}
