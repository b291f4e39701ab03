import { Prisma } from "../database/gen/client.js";
import { toJson } from "../database/json.js";
import type { JobUpdate } from "./updates.js";

/** Fragments of the statements that store daemons' job updates, each message once. */

/** The distinct jobs in the list. */
export function idsOf(list: readonly { jobId: string }[]): string[] {
  return [...new Set(list.map(({ jobId }) => jobId))];
}

/** The messages of `updates` that are not stored yet (`fresh`), and their totals per job (`total`). */
export function freshUpdates(updates: readonly JobUpdate[]): Prisma.Sql {
  const messages = updates.map(({ jobId, daemonId, sequence, logs }) => ({
    job_id: jobId,
    daemon_id: daemonId,
    sequence: Number(sequence),
    bytes: logs.reduce((sum, log) => sum + Buffer.byteLength(log.output), 0),
  }));
  return Prisma.sql`
    message AS (
      SELECT * FROM jsonb_to_recordset(${toJson(messages)}::jsonb)
        AS m(job_id uuid, daemon_id uuid, sequence bigint, bytes int)
    ), fresh AS (
      SELECT m.job_id, m.daemon_id, m.sequence, m.bytes
      FROM message m JOIN provisioner_jobs j ON j.id = m.job_id
      -- The ids once more, as an array: that has the planner look the rows up instead of reading the table.
      WHERE j.id = ANY(${idsOf(updates)}::uuid[]) AND (m.sequence > j.update_sequence OR m.sequence = 0)
    ), total AS (
      SELECT job_id, daemon_id, max(sequence) AS sequence, sum(bytes)::int AS bytes FROM fresh GROUP BY 1, 2
    )`;
}

/** The columns of job `j` that count its updates; `t` has the totals. At most 1 MiB of a job's log is kept. */
export const COUNT_UPDATES = Prisma.sql`
  update_sequence = GREATEST(COALESCE(t.sequence, 0), j.update_sequence),
  logs_overflowed = j.logs_overflowed OR j.logs_length + COALESCE(t.bytes, 0) > 1048576,
  logs_length = CASE WHEN j.logs_length + COALESCE(t.bytes, 0) > 1048576 THEN j.logs_length
    ELSE j.logs_length + COALESCE(t.bytes, 0) END`;

/** Stores the logs and timings of fresh messages for the jobs that the statement has updated (`job`). */
export function insertUpdates(updates: readonly JobUpdate[]): Prisma.Sql {
  const logs = updates.flatMap(({ jobId, sequence, logs }) =>
    logs.map((log) => ({ job_id: jobId, sequence: Number(sequence), ...log })),
  );
  const timings = updates.flatMap(({ jobId, sequence, timings }) =>
    timings.map((timing) => ({ job_id: jobId, sequence: Number(sequence), ...timing })),
  );
  return Prisma.sql`
    log AS (
      INSERT INTO provisioner_job_logs (job_id, created_at, source, level, stage, output)
      SELECT l.job_id, l.created_at, l.source, l.level, l.stage, l.output
      FROM ROWS FROM (jsonb_to_recordset(${toJson(logs)}::jsonb)
        AS (job_id uuid, sequence bigint, created_at timestamptz, source text, level text, stage text, output text)
      ) WITH ORDINALITY AS l(job_id, sequence, created_at, source, level, stage, output, position)
      JOIN fresh f ON f.job_id = l.job_id AND f.sequence = l.sequence
      JOIN job ON job.id = l.job_id AND NOT job.logs_overflowed
      ORDER BY l.position
    ), timing AS (
      INSERT INTO provisioner_job_timings (job_id, started_at, ended_at, stage, source, action, resource)
      SELECT x.job_id, x.started_at, x.ended_at, x.stage, x.source, x.action, x.resource
      FROM jsonb_to_recordset(${toJson(timings)}::jsonb)
        AS x(job_id uuid, sequence bigint, started_at timestamptz, ended_at timestamptz, stage text, source text,
          action text, resource text)
      JOIN fresh f ON f.job_id = x.job_id AND f.sequence = x.sequence
      JOIN job ON job.id = x.job_id
    )`;
}
