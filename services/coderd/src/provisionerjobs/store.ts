import { createBatcher } from "@fleet/base";
import { type Database, inTransaction, type Transaction } from "../database/client.js";
import type { ProvisionerJob, ProvisionerJobLog, ProvisionerJobTiming } from "../database/gen/client.js";
import { Prisma } from "../database/gen/client.js";
import type { JobType } from "../database/gen/enums.js";
import type { Hot } from "../database/hot.js";
import { toJson } from "../database/json.js";
import { insertJobs, type NewJob } from "./insert-statements.js";
import { DAEMON_COVERS_JOB, PENDING, PENDING_BY_ID, RUNNING, RUNNING_BY_ID } from "./predicates.js";
import type { PendingJob } from "./queue.js";
import type { Tags } from "./tags.js";
import { COUNT_UPDATES, freshUpdates, idsOf, insertUpdates } from "./update-statements.js";
import type { JobUpdate, StoredUpdate } from "./updates.js";

export type { JobType };
/** A line of a job's log. */
export type JobLog = ProvisionerJobLog;
/** What a job spent its time on. */
export type JobTiming = ProvisionerJobTiming;

/** A job that a request with a key made. */
export type KeyedJob = PendingJob & {
  requestHash: Uint8Array;
  input: Record<string, unknown>;
  pending: boolean;
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

/** A job that was won, and the daemon that has it. */
export type ClaimedJob = JobBase & { daemonId: string };

export type JobEnd = {
  jobId: string;
  daemonId: string;
  /** What the daemon takes the job for; undefined where it does not matter. */
  type: JobType | undefined;
  error: string | null;
  errorCode: string | null;
};

export type EndedJob = {
  id: string;
  type: JobType;
  provisioner: string;
  failed: boolean;
  /** From its claim to its end. */
  seconds: number;
};

/** A job that was taken from a silent daemon; unless it is `retried`, that was its end. */
export type LostJob = Omit<EndedJob, "failed"> & { retried: boolean };

/** The rows of provisioner jobs. Transitions check the state that they leave, so that each happens once. */
export type JobStore = {
  /** In the caller's transaction, or by itself where the row is all there is to write. */
  insert(job: NewJob, tx?: Pick<Transaction, "$executeRaw">): Promise<void>;
  /** Whether Postgres answers. */
  probe(): Promise<unknown>;
  /** Null where there is none. */
  find(id: string): Promise<ProvisionerJob | null>;
  /** The job that the request of this key made. */
  findByKey(key: Uint8Array<ArrayBuffer>): Promise<KeyedJob | undefined>;
  /**
   * Claims each job for at most one daemon. Gives the jobs that were won, each with its daemon. A daemon that has a job
   * and said nothing of it gets it again, by the same attempt: the answer to its first claim may have been lost.
   */
  claim(claims: readonly Claim[], now: Date): Promise<ClaimedJob[]>;
  /**
   * Takes claims of that moment back that could not be answered: the jobs were not handed over. Where the database was
   * away for long, the daemon may have asked again meanwhile, and have the job by its later claim.
   */
  unclaim(jobs: readonly Pick<ClaimedJob, "id" | "daemonId">[], claimedAt: Date): Promise<void>;
  /**
   * Stores logs and timings whose number is higher than the last, and marks the sign of life. One statement for any
   * number of jobs; each update is answered in its place.
   */
  storeUpdates(
    tx: Pick<Transaction, "$queryRaw">,
    updates: readonly JobUpdate[],
    now: Date,
  ): Promise<StoredUpdate[]>;
  /**
   * Ends jobs that these daemons still run, and stores what of their updates was not stored before: one statement, in
   * the caller's transaction or by itself. Gives those that were ended; the others had ended before, or are lost.
   */
  end(
    tx: Pick<Transaction, "$queryRaw"> | undefined,
    ends: readonly JobEnd[],
    updates: readonly JobUpdate[],
    now: Date,
  ): Promise<EndedJob[]>;
  /** The worker that a job has or had; undefined for an unknown job. */
  worker(id: string): Promise<{ completedAt: Date | null; workerId: string | null } | null>;
  /**
   * A pending job ends at once; a running one is marked. Gives the job's state after it, undefined when it had ended.
   */
  cancel(
    id: string,
    now: Date,
    expected: "pending" | "running" | undefined,
  ): Promise<{ type: JobType; pending: boolean } | undefined>;
  /** Pending jobs in the order of their queues, `after` the last one of the page before. */
  pending(before: Date): Promise<PendingJob[]>;
  /** What queues there is work in. */
  pendingQueues(organizationId: string): Promise<{ queue: string; tags: Tags; provisioner: string }[]>;
  /**
   * Takes running jobs from daemons that are silent since `before`: template work goes back to pending while it has
   * attempts left; anything else fails with the sentence.
   */
  reap(
    tx: Pick<Transaction, "$queryRaw">,
    before: Date,
    now: Date,
    maxAttempts: number,
    sentence: string,
  ): Promise<LostJob[]>;
  /**
   * Fails jobs that wait since `before`, and that no daemon could take which was seen since then: one that is away for
   * a moment, for a restart, is waited for.
   */
  expirePending(
    tx: Pick<Transaction, "$queryRaw">,
    before: Date,
    now: Date,
    sentence: string,
  ): Promise<LostJob[]>;
  /** Marks that a daemon is alive, and the jobs that it runs with it. */
  beat(daemonId: string, jobIds: readonly string[], now: Date): Promise<void>;
  /** Lines in their order; `after` and `before` are ids of lines, and not among them. */
  logs(
    jobId: string,
    range: { after?: number | undefined; before?: number | undefined },
    limit: number,
  ): Promise<JobLog[]>;
  /** What the job spent its time on, in the order of the starts. */
  timings(jobId: string): Promise<JobTiming[]>;
  /** For a read beside the rows of jobs. */
  readonly database: Pick<Prisma.TransactionClient, "$queryRaw">;
  /** Runs the work in a transaction, which is rolled back when it throws. */
  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T>;
};

/** Rows of one INSERT at most, where jobs are made faster than they are written. */
const INSERT_BATCH = { limit: 500 };

export function createJobStore(db: Database, hot: Hot): JobStore {
  const insertAlone = createBatcher<NewJob, void>(async (jobs) => {
    await hot("insert jobs", insertJobs(jobs));
    return jobs.map(() => undefined);
  }, INSERT_BATCH);

  return {
    async insert(job, tx) {
      if (tx) await tx.$executeRaw(insertJobs([job]));
      // Where another request has made it, this row is refused, and may not take others with it.
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
          attempt = CASE WHEN j.started_at IS NULL THEN j.attempt + 1 ELSE j.attempt END
        FROM unnest(${claims.map((c) => c.jobId)}::uuid[], ${claims.map((c) => c.daemonId)}::uuid[],
          ${claims.map((c) => c.keyId)}::uuid[]) AS wanted (job_id, daemon_id, key_id)
        JOIN provisioner_daemons d ON d.id = wanted.daemon_id AND d.key_id = wanted.key_id,
        files f
        WHERE j.id = wanted.job_id AND f.id = j.file_id AND ${DAEMON_COVERS_JOB}
          AND (${PENDING_BY_ID} OR (j.worker_id = d.id AND j.update_sequence = 0 AND ${RUNNING_BY_ID}))
        RETURNING j.id, j.worker_id AS "daemonId", j.type, j.provisioner, j.file_id AS "fileId", f.hash AS "fileHash",
          f.mimetype, j.input, j.trace_context AS "traceContext", j.created_at AS "createdAt",
          j.organization_id AS "organizationId", j.initiator_id AS "initiatorId"`,
      );
    },

    async unclaim(jobs, claimedAt) {
      await db.$executeRaw`
        UPDATE provisioner_jobs j SET started_at = NULL, worker_id = NULL
        FROM unnest(${jobs.map((job) => job.id)}::uuid[], ${jobs.map((job) => job.daemonId)}::uuid[]) AS c (job_id, daemon_id)
        WHERE j.id = c.job_id AND j.worker_id = c.daemon_id AND j.updated_at = ${claimedAt} AND ${RUNNING_BY_ID}`;
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

    async worker(id) {
      return db.provisionerJob.findUnique({ where: { id }, select: { workerId: true, completedAt: true } });
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

    async pendingQueues(organizationId) {
      return db.$queryRaw<{ queue: string; tags: Tags; provisioner: string }[]>`
        SELECT DISTINCT ON (j.queue) j.queue, j.tags, j.provisioner FROM provisioner_jobs j
        WHERE ${PENDING} AND j.organization_id = ${organizationId}::uuid ORDER BY j.queue LIMIT 1000`;
    },

    async reap(tx, before, now, maxAttempts, sentence) {
      return tx.$queryRaw`
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
        RETURNING j.id, j.type, j.provisioner, l.retry AS retried,
          COALESCE(extract(epoch FROM ${now}::timestamptz - j.started_at), 0)::float8 AS seconds`;
    },

    async expirePending(tx, before, now, sentence) {
      return tx.$queryRaw`
        UPDATE provisioner_jobs j SET started_at = ${now}, completed_at = ${now}, updated_at = ${now}, error = ${sentence}
        WHERE ${PENDING} AND j.created_at < ${before} AND NOT EXISTS (
          SELECT 1 FROM provisioner_daemons d WHERE d.last_seen_at > ${before} AND ${DAEMON_COVERS_JOB})
        RETURNING j.id, j.type, j.provisioner, false AS retried, 0::float8 AS seconds`;
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

/** Pending jobs that one pass of the reconciler looks at. */
export const RECONCILE_LIMIT = 20_000;
