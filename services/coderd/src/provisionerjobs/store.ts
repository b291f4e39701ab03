import { type Database, inTransaction, type Transaction } from "../database/client.js";
import { Prisma } from "../database/gen/client.js";
import type { JobType } from "../database/gen/enums.js";
import { toJson } from "../database/json.js";
import type { PendingJob } from "./queue.js";
import type { Tags } from "./tags.js";
import type { JobUpdate, StoredUpdate } from "./updates.js";

export type { JobType };

export type NewJob = {
  id: string;
  organizationId: string;
  initiatorId: string;
  type: JobType;
  provisioner: string;
  fileId: string;
  input: Record<string, unknown>;
  tags: Tags;
  queue: string;
  priority: number;
  traceContext: Record<string, string>;
  createdAt: Date;
};

/** A request to claim a job: the daemon, and the key that it proved itself by. */
export type Claim = { jobId: string; daemonId: string; keyId: string };

/** What a claim, or the end of a job, needs to know of it. */
export type JobBase = {
  id: string;
  type: JobType;
  provisioner: string;
  fileId: string;
  fileHash: string;
  mimetype: string;
  input: Record<string, unknown>;
  traceContext: Record<string, string>;
  createdAt: Date;
  organizationId: string;
  initiatorId: string;
};

export type JobEnd = { jobId: string; daemonId: string; error: string | null; errorCode: string | null };

export type EndedJob = { id: string; type: JobType; failed: boolean };

export type LostJob = { id: string; type: JobType; retried: boolean };

export type JobStore = ReturnType<typeof createJobStore>;

/** Bytes of one job's log that are kept. */
export const JOB_LOG_LIMIT_BYTES = 1024 * 1024;

/** Job `j` may be run by daemon `d`: the rules of tags.ts `covers`. */
export const DAEMON_COVERS_JOB = Prisma.sql`
  d.organization_id = j.organization_id AND j.provisioner = ANY(d.provisioners) AND d.tags @> j.tags
  AND (d.tags = j.tags OR j.tags <> '{"owner": "", "scope": "organization"}'::jsonb)`;

const PENDING = Prisma.sql`j.started_at IS NULL AND j.completed_at IS NULL`;
const RUNNING = Prisma.sql`j.started_at IS NOT NULL AND j.completed_at IS NULL`;

export function createJobStore(db: Database) {
  return {
    async insert(tx: Transaction, job: NewJob): Promise<void> {
      const { input, tags, traceContext, ...columns } = job;
      await tx.provisionerJob.create({
        data: {
          ...columns,
          input: input as Prisma.InputJsonObject,
          tags: { ...tags },
          traceContext,
          updatedAt: job.createdAt,
        },
        select: { id: true },
      });
    },

    find: (id: string) => db.provisionerJob.findUnique({ where: { id } }),

    async bases(ids: readonly string[]): Promise<JobBase[]> {
      return db.$queryRaw<JobBase[]>`
        SELECT j.id, j.type, j.provisioner, j.file_id AS "fileId", f.hash AS "fileHash", f.mimetype, j.input,
          j.trace_context AS "traceContext", j.created_at AS "createdAt", j.organization_id AS "organizationId",
          j.initiator_id AS "initiatorId"
        FROM provisioner_jobs j JOIN files f ON f.id = j.file_id
        WHERE j.id = ANY(${ids}::uuid[]) AND ${PENDING}`;
    },

    /** Claims each job for at most one daemon. Gives the pairs that won. */
    async claim(
      tx: Pick<Transaction, "$queryRaw">,
      claims: readonly Claim[],
      now: Date,
    ): Promise<{ jobId: string; daemonId: string }[]> {
      if (claims.length === 0) return [];
      return tx.$queryRaw`
        UPDATE provisioner_jobs j
        SET started_at = ${now}, updated_at = ${now}, worker_id = d.id, attempt = j.attempt + 1, update_sequence = 0
        FROM unnest(${claims.map((c) => c.jobId)}::uuid[], ${claims.map((c) => c.daemonId)}::uuid[],
          ${claims.map((c) => c.keyId)}::uuid[]) AS wanted (job_id, daemon_id, key_id)
        JOIN provisioner_daemons d ON d.id = wanted.daemon_id AND d.key_id = wanted.key_id
        WHERE j.id = wanted.job_id AND ${PENDING} AND j.canceled_at IS NULL AND ${DAEMON_COVERS_JOB}
        RETURNING j.id AS "jobId", j.worker_id AS "daemonId"`;
    },

    /**
     * Stores logs and timings whose number is higher than the last, and marks the sign of life. One statement for any
     * number of jobs; each update is answered in its place.
     */
    async storeUpdates(
      tx: Pick<Transaction, "$queryRaw">,
      updates: readonly JobUpdate[],
      now: Date,
    ): Promise<StoredUpdate[]> {
      const messages = updates.map(({ jobId, daemonId, sequence, logs }) => ({
        job_id: jobId,
        daemon_id: daemonId,
        sequence: Number(sequence),
        bytes: logs.reduce((sum, log) => sum + Buffer.byteLength(log.output), 0),
      }));
      const logs = updates.flatMap(({ jobId, sequence, logs }) =>
        logs.map((log) => ({ job_id: jobId, sequence: Number(sequence), ...log })),
      );
      const timings = updates.flatMap(({ jobId, sequence, timings }) =>
        timings.map((timing) => ({ job_id: jobId, sequence: Number(sequence), ...timing })),
      );
      const rows = await tx.$queryRaw<
        { id: string; workerId: string | null; ended: boolean; canceled: boolean; sequence: bigint }[]
      >`
        WITH message AS (
          SELECT * FROM jsonb_to_recordset(${toJson(messages)}::jsonb)
            AS m(job_id uuid, daemon_id uuid, sequence bigint, bytes int)
        ), fresh AS (
          SELECT m.job_id, m.daemon_id, m.sequence, m.bytes
          FROM message m JOIN provisioner_jobs j ON j.id = m.job_id
          WHERE m.sequence > j.update_sequence OR m.sequence = 0
        ), total AS (
          SELECT job_id, daemon_id, max(sequence) AS sequence, sum(bytes)::int AS bytes FROM fresh GROUP BY 1, 2
        ), stored AS (
          UPDATE provisioner_jobs j SET
            updated_at = ${now},
            update_sequence = GREATEST(t.sequence, j.update_sequence),
            logs_overflowed = j.logs_overflowed OR j.logs_length + t.bytes > ${JOB_LOG_LIMIT_BYTES},
            logs_length = CASE WHEN j.logs_length + t.bytes > ${JOB_LOG_LIMIT_BYTES} THEN j.logs_length
              ELSE j.logs_length + t.bytes END
          FROM total t
          WHERE j.id = t.job_id AND j.worker_id = t.daemon_id AND ${RUNNING}
            AND (t.sequence > j.update_sequence OR t.sequence = 0)
          RETURNING j.id, j.update_sequence, j.logs_overflowed
        ), log AS (
          INSERT INTO provisioner_job_logs (job_id, created_at, source, level, stage, output)
          SELECT l.job_id, l.created_at, l.source, l.level, l.stage, l.output
          FROM ROWS FROM (jsonb_to_recordset(${toJson(logs)}::jsonb)
            AS (job_id uuid, sequence bigint, created_at timestamptz, source text, level text, stage text, output text)
          ) WITH ORDINALITY AS l(job_id, sequence, created_at, source, level, stage, output, position)
          JOIN fresh f ON f.job_id = l.job_id AND f.sequence = l.sequence
          JOIN stored s ON s.id = l.job_id AND NOT s.logs_overflowed
          ORDER BY l.position
        ), timing AS (
          INSERT INTO provisioner_job_timings (job_id, started_at, ended_at, stage, source, action, resource)
          SELECT x.job_id, x.started_at, x.ended_at, x.stage, x.source, x.action, x.resource
          FROM jsonb_to_recordset(${toJson(timings)}::jsonb)
            AS x(job_id uuid, sequence bigint, started_at timestamptz, ended_at timestamptz, stage text, source text,
              action text, resource text)
          JOIN fresh f ON f.job_id = x.job_id AND f.sequence = x.sequence
          JOIN stored s ON s.id = x.job_id
        )
        SELECT j.id, j.worker_id AS "workerId", j.started_at IS NULL OR j.completed_at IS NOT NULL AS ended,
          j.canceled_at IS NOT NULL AS canceled,
          GREATEST(j.update_sequence, (SELECT s.update_sequence FROM stored s WHERE s.id = j.id)) AS sequence
        FROM provisioner_jobs j WHERE j.id IN (SELECT job_id FROM message)`;
      const byId = new Map(rows.map((row) => [row.id, row]));
      return updates.map(({ jobId, daemonId }) => {
        const row = byId.get(jobId);
        const lost = !row || row.ended || row.workerId !== daemonId;
        return { acknowledged: lost ? 0n : row.sequence, canceled: !lost && row.canceled, lost };
      });
    },

    /** The times of phases that came with the end of a job. */
    async insertTimings(tx: Transaction, timings: readonly { job_id: string }[]): Promise<void> {
      if (timings.length === 0) return;
      await tx.$executeRaw`
        INSERT INTO provisioner_job_timings (job_id, started_at, ended_at, stage, source, action, resource)
        SELECT job_id, started_at, ended_at, stage, source, action, resource
        FROM jsonb_to_recordset(${toJson(timings)}::jsonb)
          AS x(job_id uuid, started_at timestamptz, ended_at timestamptz, stage text, source text, action text, resource text)`;
    },

    /** Ends jobs that these daemons still run. Gives those that were ended; the others had ended before, or are lost. */
    async end(tx: Pick<Transaction, "$queryRaw">, ends: readonly JobEnd[], now: Date): Promise<EndedJob[]> {
      const rows = ends.map((end) => ({
        job_id: end.jobId,
        daemon_id: end.daemonId,
        error: end.error,
        error_code: end.errorCode,
      }));
      return tx.$queryRaw`
        UPDATE provisioner_jobs j SET
          completed_at = ${now}, updated_at = ${now},
          -- Who canceled a job wanted it to fail: that is no error. One that succeeded all the same was not canceled.
          error = CASE WHEN j.canceled_at IS NULL THEN e.error END,
          error_code = CASE WHEN j.canceled_at IS NULL THEN e.error_code END,
          canceled_at = CASE WHEN e.error IS NULL THEN NULL ELSE j.canceled_at END
        FROM jsonb_to_recordset(${toJson(rows)}::jsonb) AS e(job_id uuid, daemon_id uuid, error text, error_code text)
        WHERE j.id = e.job_id AND j.worker_id = e.daemon_id AND ${RUNNING}
        RETURNING j.id, j.type, e.error IS NOT NULL AS failed`;
    },

    /** The worker that a job has or had; undefined for an unknown job. */
    async worker(id: string) {
      return db.provisionerJob.findUnique({ where: { id }, select: { workerId: true, completedAt: true } });
    },

    /** A pending job ends at once; a running one is marked. Gives the job's state after it, undefined when it had ended. */
    async cancel(id: string, now: Date): Promise<{ type: JobType; pending: boolean } | undefined> {
      const rows = await db.$queryRaw<{ type: JobType; pending: boolean }[]>`
        UPDATE provisioner_jobs j SET
          canceled_at = COALESCE(j.canceled_at, ${now}),
          completed_at = CASE WHEN j.started_at IS NULL THEN ${now}::timestamptz END
        WHERE j.id = ${id}::uuid AND j.completed_at IS NULL
        RETURNING j.type, j.started_at IS NULL AS pending`;
      return rows[0];
    },

    /** Pending jobs in the order of their queues, `after` the last one of the page before. */
    async pending(before: Date): Promise<PendingJob[]> {
      return db.$queryRaw`
        SELECT j.id, j.attempt, j.queue, j.priority FROM provisioner_jobs j
        WHERE ${PENDING} AND j.canceled_at IS NULL AND j.updated_at < ${before}
        ORDER BY j.queue, j.priority, j.created_at LIMIT ${RECONCILE_LIMIT}`;
    },

    /** What queues there is work in. */
    async pendingQueues(organizationId: string) {
      return db.$queryRaw<{ queue: string; tags: Tags; provisioner: string }[]>`
        SELECT DISTINCT ON (j.queue) j.queue, j.tags, j.provisioner FROM provisioner_jobs j
        WHERE ${PENDING} AND j.organization_id = ${organizationId}::uuid ORDER BY j.queue LIMIT 1000`;
    },

    /**
     * Takes running jobs from daemons that are silent since `before`: template work goes back to pending while it has
     * attempts left; anything else fails with the sentence.
     */
    async reap(before: Date, now: Date, maxAttempts: number, sentence: string): Promise<LostJob[]> {
      return db.$queryRaw`
        WITH lost AS (
          SELECT j.id, j.type <> 'workspace_build' AND j.attempt < ${maxAttempts} AND j.canceled_at IS NULL AS retry
          FROM provisioner_jobs j WHERE ${RUNNING} AND j.updated_at < ${before}
          ORDER BY j.updated_at LIMIT 100 FOR UPDATE SKIP LOCKED
        )
        UPDATE provisioner_jobs j SET
          started_at = CASE WHEN l.retry THEN NULL ELSE j.started_at END,
          worker_id = CASE WHEN l.retry THEN NULL ELSE j.worker_id END,
          completed_at = CASE WHEN l.retry THEN NULL ELSE ${now}::timestamptz END,
          error = CASE WHEN l.retry OR j.canceled_at IS NOT NULL THEN NULL ELSE ${sentence} END,
          updated_at = ${now}
        FROM lost l WHERE j.id = l.id
        RETURNING j.id, j.type, l.retry AS retried`;
    },

    /** Fails jobs that wait since `before` and that no daemon seen since `seen` could take. */
    async expirePending(before: Date, seen: Date, now: Date, sentence: string): Promise<LostJob[]> {
      return db.$queryRaw`
        UPDATE provisioner_jobs j SET started_at = ${now}, completed_at = ${now}, updated_at = ${now}, error = ${sentence}
        WHERE ${PENDING} AND j.created_at < ${before} AND NOT EXISTS (
          SELECT 1 FROM provisioner_daemons d
          WHERE d.last_seen_at > ${seen} AND d.left_at IS NULL AND ${DAEMON_COVERS_JOB})
        RETURNING j.id, j.type, false AS retried`;
    },

    /** Marks that a daemon is alive, and the jobs that it runs with it. */
    async beat(daemonId: string, jobIds: readonly string[], now: Date): Promise<void> {
      await db.$executeRaw`
        WITH daemon AS (
          UPDATE provisioner_daemons SET last_seen_at = ${now}, left_at = NULL WHERE id = ${daemonId}::uuid
        )
        UPDATE provisioner_jobs j SET updated_at = ${now}
        WHERE j.id = ANY(${jobIds}::uuid[]) AND j.worker_id = ${daemonId}::uuid AND ${RUNNING}`;
    },

    logs: (
      jobId: string,
      range: { after?: number | undefined; before?: number | undefined },
      limit: number,
    ) =>
      db.provisionerJobLog.findMany({
        where: {
          jobId,
          id: {
            ...(range.after !== undefined ? { gt: range.after } : {}),
            ...(range.before !== undefined ? { lt: range.before } : {}),
          },
        },
        orderBy: { id: "asc" },
        take: limit,
      }),

    timings: (jobId: string) =>
      db.provisionerJobTiming.findMany({ where: { jobId }, orderBy: { startedAt: "asc" } }),

    database: db as Pick<Transaction, "$queryRaw">,
    transaction: <T>(work: (tx: Transaction) => Promise<T>) => inTransaction(db, work),
  };
}

/** Pending jobs that one pass of the reconciler looks at. */
export const RECONCILE_LIMIT = 20_000;
