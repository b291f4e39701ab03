import type { Database, Transaction } from "../database/client.js";
import { Prisma } from "../database/gen/client.js";
import type { JobType } from "../database/gen/enums.js";
import { DAEMON_COVERS_JOB, PENDING, RUNNING, RUNNING_BY_ID } from "./predicates.js";
import type { PendingJob } from "./queue.js";

export type EndedJob = {
  id: string;
  type: JobType;
  provisioner: string;
  failed: boolean;
  /** Seconds from claim to end. */
  seconds: number;
};

/** A job taken from a silent daemon; it has ended unless `retried`. */
export type LostJob = Omit<EndedJob, "failed"> & { retried: boolean };
/** A job that ended in its queue. */
export type ExpiredJob = LostJob & { queue: string; attempt: number };

/** Ends what a daemon does not: jobs go back to the queue if nothing has changed (ADR 14), and fail otherwise. */
export type ReturnStore = {
  /**
   * Reverts claims made at that time that could not be answered, so the jobs were not handed over. If the database was
   * down for long, the daemon may have claimed again since; that later claim is kept.
   */
  unclaim(jobs: readonly { id: string; daemonId: string }[], claimedAt: Date): Promise<void>;
  /**
   * Returns a job to the queue that its daemon gives up before it has changed anything, unless it was canceled or has no
   * attempt left. Undefined if it was not returned.
   */
  release(
    tx: Pick<Transaction, "$queryRaw">,
    job: { jobId: string; daemonId: string },
    now: Date,
  ): Promise<PendingJob | undefined>;
  /**
   * Takes running jobs from daemons silent since `before`: template jobs, and builds that have not begun to apply, go
   * back to pending while attempts remain; all others fail with the given message.
   */
  reap(tx: Pick<Transaction, "$queryRaw">, before: Date, now: Date, sentence: string): Promise<LostJob[]>;
  /**
   * Fails jobs pending since `before` that no daemon seen since then could take: a daemon that is only away briefly,
   * for a restart, is waited for.
   */
  expirePending(
    tx: Pick<Transaction, "$queryRaw">,
    before: Date,
    now: Date,
    sentence: string,
  ): Promise<ExpiredJob[]>;
};

/** Maximum attempts of a job whose daemons die or shut down before they change anything. */
const MAX_ATTEMPTS = 3;
/** Heads the next run in the log of a job that is run again. */
const RETRYING = "Retrying";
const LOST = "The provisioner stopped responding before it changed anything. The job was queued again.";
const RELEASED = "The provisioner shut down before it changed anything. The job was queued again.";
/** Nothing has changed, and somebody still wants it. */
const RETRIABLE = Prisma.sql`((j.type <> 'workspace_build' OR j.retry_safe) AND j.canceled_at IS NULL)`;

export function createReturnStore(db: Database): ReturnStore {
  return {
    async unclaim(jobs, claimedAt) {
      await db.$executeRaw`
        UPDATE provisioner_jobs j SET started_at = NULL, worker_id = NULL
        FROM unnest(${jobs.map((job) => job.id)}::uuid[], ${jobs.map((job) => job.daemonId)}::uuid[]) AS c (job_id, daemon_id)
        WHERE j.id = c.job_id AND j.worker_id = c.daemon_id AND j.updated_at = ${claimedAt} AND ${RUNNING_BY_ID}`;
    },

    async release(tx, { jobId, daemonId }, now) {
      const rows = await tx.$queryRaw<PendingJob[]>`
        WITH job AS (
          UPDATE provisioner_jobs j SET started_at = NULL, worker_id = NULL, updated_at = ${now}
          WHERE j.id = ${jobId}::uuid AND (j.worker_id = ${daemonId}::uuid) IS TRUE AND ${RUNNING_BY_ID}
            AND j.canceled_at IS NULL AND j.attempt < ${MAX_ATTEMPTS}
          RETURNING j.id, j.attempt, j.queue, j.priority
        ), log AS (
          INSERT INTO provisioner_job_logs (job_id, created_at, source, level, stage, output)
          SELECT id, ${now}, 'provisioner_daemon', 'warn', ${RETRYING}, ${RELEASED} FROM job
        )
        SELECT * FROM job`;
      return rows[0];
    },

    async reap(tx, before, now, sentence) {
      return tx.$queryRaw`
        WITH lost AS (
          SELECT j.id, ${RETRIABLE} AND j.attempt < ${MAX_ATTEMPTS} AS retry
          FROM provisioner_jobs j WHERE ${RUNNING} AND j.updated_at < ${before}
          ORDER BY j.updated_at LIMIT 100 FOR UPDATE SKIP LOCKED
        ), log AS (
          INSERT INTO provisioner_job_logs (job_id, created_at, source, level, stage, output)
          SELECT id, ${now}, 'provisioner_daemon', 'warn', ${RETRYING}, ${LOST} FROM lost WHERE retry
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
        RETURNING j.id, j.type, j.provisioner, false AS retried, 0::float8 AS seconds, j.queue, j.attempt`;
    },
  };
}
