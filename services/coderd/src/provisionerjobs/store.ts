import { createBatcher } from "@fleet/base";
import { type Database, inTransaction, type Transaction } from "../database/client.js";
import type { ProvisionerJob, ProvisionerJobLog, ProvisionerJobTiming } from "../database/gen/client.js";
import { Prisma } from "../database/gen/client.js";
import type { JobType } from "../database/gen/enums.js";
import type { Hot } from "../database/hot.js";
import { toJson } from "../database/json.js";
import { insertJobs, type NewJob } from "./insert-statements.js";
import { DAEMON_COVERS_JOB, PENDING, PENDING_BY_ID, RUNNING_BY_ID } from "./predicates.js";
import type { PendingJob } from "./queue.js";
import { createReturnStore, type EndedJob, type ReturnStore } from "./return-store.js";
import type { Tags } from "./tags.js";
import { COUNT_UPDATES, freshUpdates, idsOf, insertUpdates } from "./update-statements.js";
import type { JobUpdate, StoredUpdate } from "./updates.js";

export type { EndedJob, JobType };
/** A line of a job's log. */
export type JobLog = ProvisionerJobLog;
/** How long a step of the job took. */
export type JobTiming = ProvisionerJobTiming;

/** A job created by a request with an Idempotency-Key. */
export type KeyedJob = PendingJob & {
  requestHash: Uint8Array;
  input: Record<string, unknown>;
  pending: boolean;
};

/** A request to claim a job: the daemon and what it authenticated with. */
export type Claim = {
  jobId: string;
  daemonId: string;
  keyId: string;
  userId: string | null;
  /** The daemon calls `beginApply` before every apply. */
  asksBeforeApply: boolean;
};

/** A pending job and a daemon that may run it. */
export type Offer = { daemonId: string; jobId: string };

/** The fields of a job needed to claim or end it. */
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

/** A claimed job, the daemon that has it, and where it was queued. */
export type ClaimedJob = JobBase & { daemonId: string; queue: string; attempt: number };

export type JobEnd = {
  jobId: string;
  daemonId: string;
  /** The job's type according to the daemon; undefined if any type matches. */
  type: JobType | undefined;
  error: string | null;
  errorCode: string | null;
};

/** Storage of provisioner jobs. Transitions check the current state, so that each happens once. */
export type JobStore = ReturnStore & {
  /** Inserts in the caller's transaction, or on its own if nothing else is written. */
  insert(job: NewJob, tx?: Pick<Transaction, "$executeRaw">): Promise<void>;
  /** Checks that Postgres answers. */
  probe(): Promise<unknown>;
  /** Returns null if the job does not exist. */
  find(id: string): Promise<ProvisionerJob | null>;
  /** The job created by the request with this key. */
  findByKey(key: Uint8Array<ArrayBuffer>): Promise<KeyedJob | undefined>;
  /**
   * Claims each job for at most one daemon and returns the claimed jobs, each with its daemon. A daemon that already
   * has a job and has not reported on it gets it again as the same attempt: the answer to its first claim may have
   * been lost.
   */
  claim(claims: readonly Claim[], now: Date): Promise<ClaimedJob[]>;
  /**
   * Stores logs and timings with a sequence number above the last one, and records a heartbeat. One statement for any
   * number of jobs; results are in the order of the updates.
   */
  storeUpdates(
    tx: Pick<Transaction, "$queryRaw">,
    updates: readonly JobUpdate[],
    now: Date,
  ): Promise<StoredUpdate[]>;
  /**
   * Ends jobs that these daemons still run and stores the rest of their updates, in one statement, in the caller's
   * transaction or on its own. Returns the jobs that were ended; the others had already ended or are lost.
   */
  end(
    tx: Pick<Transaction, "$queryRaw"> | undefined,
    ends: readonly JobEnd[],
    updates: readonly JobUpdate[],
    now: Date,
  ): Promise<EndedJob[]>;
  /**
   * Records that the daemon begins to change resources: from here on, the job is never run again by itself. `canceled` if
   * it must not begin, `lost` if it does not have the job any more.
   */
  beginApply(
    tx: Pick<Transaction, "$queryRaw">,
    jobId: string,
    daemonId: string,
  ): Promise<"begun" | "canceled" | "lost">;
  /** The daemon that has or had the job; null for an unknown job. */
  worker(id: string): Promise<{ type: JobType; completedAt: Date | null; workerId: string | null } | null>;
  /**
   * A pending job ends immediately; a running one is marked. Returns the job's new state, undefined if it had already
   * ended.
   */
  cancel(
    id: string,
    now: Date,
    expected: "pending" | "running" | undefined,
  ): Promise<{ type: JobType; pending: boolean } | undefined>;
  /** Pending jobs last updated before that time, in queue order. */
  pending(before: Date): Promise<PendingJob[]>;
  /**
   * Pending jobs that these daemons may run, without the excluded ones, in queue order; for each daemon at most `limit`.
   */
  offers(daemonIds: readonly string[], exclude: readonly string[], limit: number): Promise<Offer[]>;
  /** The queues that have pending jobs. */
  pendingQueues(organizationId: string): Promise<{ queue: string; tags: Tags; provisioner: string }[]>;
  /** Records a heartbeat of a daemon and the jobs it runs. */
  beat(daemonId: string, jobIds: readonly string[], now: Date): Promise<void>;
  /** Lines in order, between the ids `after` and `before`, both exclusive. */
  logs(
    jobId: string,
    range: { after?: number | undefined; before?: number | undefined },
    limit: number,
  ): Promise<JobLog[]>;
  /** The job's timings, ordered by start. */
  timings(jobId: string): Promise<JobTiming[]>;
  /** For reads alongside the job rows. */
  readonly database: Pick<Prisma.TransactionClient, "$queryRaw">;
  /** Runs the work in a transaction, rolled back if it throws. */
  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T>;
};

/** Rows per INSERT, when jobs are created faster than they are written. */
const INSERT_BATCH = { limit: 500 };

export function createJobStore(db: Database, hot: Hot): JobStore {
  const insertAlone = createBatcher<NewJob, void>(async (jobs) => {
    await hot("insert jobs", insertJobs(jobs));
    return jobs.map(() => undefined);
  }, INSERT_BATCH);

  return {
    ...createReturnStore(db),

    async insert(job, tx) {
      if (tx) await tx.$executeRaw(insertJobs([job]));
      // If another request already created it, only this row is rejected, not the rest of the batch.
      else if (job.idempotency) await db.$executeRaw(insertJobs([job]));
      else await insertAlone(job);
    },

    probe: () => db.$queryRaw`SELECT 1`,

    find: (id) => db.provisionerJob.findUnique({ where: { id } }),

    async findByKey(key) {
      const rows = await db.$queryRaw<KeyedJob[]>`
        SELECT id, attempt, queue, priority, request_hash AS "requestHash", input,
          (started_at IS NULL AND completed_at IS NULL) AS pending
        FROM provisioner_jobs WHERE idempotency_key = ${key}`;
      return rows[0];
    },

    async claim(claims, now) {
      return hot<ClaimedJob>(
        "claim jobs",
        Prisma.sql`
        UPDATE provisioner_jobs j
        SET started_at = COALESCE(j.started_at, ${now}), updated_at = ${now}, worker_id = d.id, update_sequence = 0,
          attempt = CASE WHEN j.started_at IS NULL THEN j.attempt + 1 ELSE j.attempt END,
          -- A repeated claim may arrive after the daemon has begun to apply.
          retry_safe = CASE WHEN j.started_at IS NULL THEN wanted.asks ELSE j.retry_safe END
        FROM unnest(${claims.map((c) => c.jobId)}::uuid[], ${claims.map((c) => c.daemonId)}::uuid[],
          ${claims.map((c) => c.keyId)}::uuid[], ${claims.map((c) => c.userId)}::uuid[],
          ${claims.map((c) => c.asksBeforeApply)}::boolean[])
          AS wanted (job_id, daemon_id, key_id, user_id, asks)
        JOIN provisioner_daemons d ON d.id = wanted.daemon_id AND d.key_id = wanted.key_id
          AND d.user_id IS NOT DISTINCT FROM wanted.user_id,
        files f
        WHERE j.id = wanted.job_id AND f.id = j.file_id AND ${DAEMON_COVERS_JOB}
          AND (${PENDING_BY_ID} OR (j.worker_id = d.id AND j.update_sequence = 0 AND ${RUNNING_BY_ID}))
        RETURNING j.id, j.worker_id AS "daemonId", j.type, j.provisioner, j.file_id AS "fileId", f.hash AS "fileHash",
          f.mimetype, j.input, j.trace_context AS "traceContext", j.created_at AS "createdAt",
          j.organization_id AS "organizationId", j.initiator_id AS "initiatorId", j.queue, j.attempt`,
      );
    },

    async storeUpdates(tx, updates, now) {
      const rows = await tx.$queryRaw<
        { id: string; workerId: string | null; ended: boolean; canceled: boolean; sequence: bigint }[]
      >`
        WITH ${freshUpdates(updates)}, job AS (
          UPDATE provisioner_jobs j SET updated_at = ${now}, ${COUNT_UPDATES}
          FROM total t
          WHERE j.id = ANY(${idsOf(updates)}::uuid[]) AND j.id = t.job_id AND (j.worker_id = t.daemon_id) IS TRUE AND ${RUNNING_BY_ID}
            AND (t.sequence > j.update_sequence OR t.sequence = 0)
          RETURNING j.id, j.update_sequence, j.logs_overflowed
        ), ${insertUpdates(updates)}
        SELECT j.id, j.worker_id AS "workerId", j.started_at IS NULL OR j.completed_at IS NOT NULL AS ended,
          j.canceled_at IS NOT NULL AS canceled,
          GREATEST(j.update_sequence, (SELECT s.update_sequence FROM job s WHERE s.id = j.id)) AS sequence
        FROM provisioner_jobs j WHERE j.id = ANY(${idsOf(updates)}::uuid[])`;
      const byId = new Map(rows.map((row) => [row.id, row]));
      return updates.map(({ jobId, daemonId }) => {
        const row = byId.get(jobId);
        const lost = !row || row.ended || row.workerId !== daemonId;
        return { acknowledged: lost ? 0n : row.sequence, canceled: !lost && row.canceled, lost };
      });
    },

    async end(tx, ends, updates, now) {
      const rows = ends.map((end) => ({
        job_id: end.jobId,
        daemon_id: end.daemonId,
        type: end.type,
        error: end.error,
        error_code: end.errorCode,
      }));
      const statement = Prisma.sql`
        WITH ended AS (
          SELECT * FROM jsonb_to_recordset(${toJson(rows)}::jsonb)
            AS e(job_id uuid, daemon_id uuid, type job_type, error text, error_code text)
        ), ${freshUpdates(updates)}, job AS (
          UPDATE provisioner_jobs j SET
            completed_at = ${now}, updated_at = ${now},
            -- Who canceled a job wanted it to fail: that is no error. One that succeeded all the same was not canceled.
            error = CASE WHEN j.canceled_at IS NULL THEN e.error END,
            error_code = CASE WHEN j.canceled_at IS NULL THEN e.error_code END,
            canceled_at = CASE WHEN e.error IS NULL THEN NULL ELSE j.canceled_at END,
            ${COUNT_UPDATES}
          FROM ended e LEFT JOIN total t ON t.job_id = e.job_id AND t.daemon_id = e.daemon_id
          WHERE j.id = ANY(${idsOf(ends)}::uuid[]) AND j.id = e.job_id AND (j.worker_id = e.daemon_id) IS TRUE AND ${RUNNING_BY_ID}
            AND j.type = COALESCE(e.type, j.type)
          RETURNING j.id, j.type, j.provisioner, j.logs_overflowed, e.error IS NOT NULL AS failed,
            extract(epoch FROM j.completed_at - j.started_at)::float8 AS seconds
        ), ${insertUpdates(updates)}
        SELECT id, type, provisioner, failed, seconds FROM job`;
      return tx ? tx.$queryRaw(statement) : hot("end jobs", statement);
    },

    async beginApply(tx, jobId, daemonId) {
      const rows = await tx.$queryRaw<{ canceled: boolean }[]>`
        UPDATE provisioner_jobs j SET retry_safe = false
        WHERE j.id = ${jobId}::uuid AND (j.worker_id = ${daemonId}::uuid) IS TRUE AND ${RUNNING_BY_ID}
        RETURNING j.canceled_at IS NOT NULL AS canceled`;
      if (!rows[0]) return "lost";
      return rows[0].canceled ? "canceled" : "begun";
    },

    async worker(id) {
      return db.provisionerJob.findUnique({
        where: { id },
        select: { type: true, workerId: true, completedAt: true },
      });
    },

    async cancel(id, now, expected) {
      const rows = await db.$queryRaw<{ type: JobType; pending: boolean }[]>`
        UPDATE provisioner_jobs j SET
          canceled_at = COALESCE(j.canceled_at, ${now}),
          completed_at = CASE WHEN j.started_at IS NULL THEN ${now}::timestamptz END
        WHERE j.id = ${id}::uuid AND j.completed_at IS NULL
          AND COALESCE((j.started_at IS NULL) = (${expected ?? null}::text = 'pending'), true)
        RETURNING j.type, j.started_at IS NULL AS pending`;
      return rows[0];
    },

    async pending(before) {
      return db.$queryRaw`
        SELECT j.id, j.attempt, j.queue, j.priority FROM provisioner_jobs j
        WHERE ${PENDING} AND j.canceled_at IS NULL AND j.updated_at < ${before}
        ORDER BY j.queue, j.priority, j.created_at LIMIT ${RECONCILE_LIMIT}`;
    },

    async offers(daemonIds, exclude, limit) {
      return db.$queryRaw<Offer[]>`
        SELECT d.id AS "daemonId", offer.id AS "jobId" FROM provisioner_daemons d, LATERAL (
          SELECT j.id, j.priority, j.created_at FROM provisioner_jobs j
          WHERE ${PENDING} AND j.canceled_at IS NULL AND ${DAEMON_COVERS_JOB} AND j.id <> ALL(${exclude}::uuid[])
          ORDER BY j.priority, j.created_at LIMIT ${limit}) offer
        WHERE d.id = ANY(${daemonIds}::uuid[]) ORDER BY offer.priority, offer.created_at`;
    },

    async pendingQueues(organizationId) {
      return db.$queryRaw<{ queue: string; tags: Tags; provisioner: string }[]>`
        SELECT DISTINCT ON (j.queue) j.queue, j.tags, j.provisioner FROM provisioner_jobs j
        WHERE ${PENDING} AND j.organization_id = ${organizationId}::uuid ORDER BY j.queue LIMIT 1000`;
    },

    async beat(daemonId, jobIds, now) {
      await db.$executeRaw`
        WITH daemon AS (
          UPDATE provisioner_daemons SET last_seen_at = ${now}, left_at = NULL WHERE id = ${daemonId}::uuid
        )
        UPDATE provisioner_jobs j SET updated_at = ${now}
        WHERE j.id = ANY(${jobIds}::uuid[]) AND j.worker_id = ${daemonId}::uuid AND ${RUNNING_BY_ID}`;
    },

    logs: (jobId, range, limit) =>
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

    timings: (jobId) => db.provisionerJobTiming.findMany({ where: { jobId }, orderBy: { startedAt: "asc" } }),

    database: db as Pick<Transaction, "$queryRaw">,
    transaction: <T>(work: (tx: Transaction) => Promise<T>) => inTransaction(db, work),
  };
}

/** Pending jobs per pass of the reconciler. */
export const RECONCILE_LIMIT = 20_000;
