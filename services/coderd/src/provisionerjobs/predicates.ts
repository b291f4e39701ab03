import { Prisma } from "../database/gen/client.js";
import type { JobStatus } from "./status.js";

/**
 * The rules of status.ts and tags.ts as SQL conditions on job `j` and daemon `d`. Every query that filters by state
 * uses these, so that the API, metrics and dashboard agree.
 */

export const PENDING = Prisma.sql`j.started_at IS NULL AND j.completed_at IS NULL`;
/**
 * The same for jobs looked up by id, written so that no partial index matches: the indexes of pending and of running
 * jobs are nearly empty whenever Postgres collects statistics, and in a burst a claim would scan all of one (3,000
 * pending jobs: 2.8 ms instead of 0.1 ms).
 */
export const PENDING_BY_ID = Prisma.sql`COALESCE(j.started_at, j.completed_at, j.canceled_at) IS NULL`;
/** A daemon has the job, whether or not it is being canceled. */
export const RUNNING = Prisma.sql`j.started_at IS NOT NULL AND j.completed_at IS NULL`;
export const RUNNING_BY_ID = Prisma.sql`(j.started_at IS NULL OR j.completed_at IS NOT NULL) IS NOT TRUE`;
const FAILED = Prisma.sql`j.completed_at IS NOT NULL AND COALESCE(j.error, '') <> ''`;
const CANCELED = Prisma.sql`j.completed_at IS NOT NULL AND COALESCE(j.error, '') = '' AND j.canceled_at IS NOT NULL`;
export const SUCCEEDED = Prisma.sql`j.completed_at IS NOT NULL AND COALESCE(j.error, '') = '' AND j.canceled_at IS NULL`;

/** `statusOf` of status.ts, as a condition. */
export function statusCondition(status: JobStatus): Prisma.Sql {
  switch (status) {
    case "pending":
      return Prisma.sql`(${PENDING})`;
    case "running":
      return Prisma.sql`(${RUNNING} AND j.canceled_at IS NULL)`;
    case "canceling":
      return Prisma.sql`(${RUNNING} AND j.canceled_at IS NOT NULL)`;
    case "failed":
      return Prisma.sql`(${FAILED})`;
    case "canceled":
      return Prisma.sql`(${CANCELED})`;
    case "succeeded":
      return Prisma.sql`(${SUCCEEDED})`;
  }
}

/** `statusOf` of status.ts, as a value. */
export const JOB_STATUS = Prisma.sql`CASE
  WHEN ${FAILED} THEN 'failed'
  WHEN ${CANCELED} THEN 'canceled'
  WHEN ${SUCCEEDED} THEN 'succeeded'
  WHEN ${PENDING} THEN 'pending'
  WHEN j.canceled_at IS NOT NULL THEN 'canceling'
  ELSE 'running' END`;

/**
 * `covers` of tags.ts. Organizations are compared in a form that no index matches: otherwise a claim would read all
 * jobs of an organization instead of the few it names.
 */
export const DAEMON_COVERS_JOB = Prisma.sql`
  (d.organization_id = j.organization_id) IS TRUE AND j.provisioner = ANY(d.provisioners) AND d.tags @> j.tags
  AND (d.tags = j.tags OR j.tags <> '{"owner": "", "scope": "organization"}'::jsonb)`;

/** A daemon is offline after this long without a heartbeat. */
export const DAEMON_STALE_MS = 30_000;

/** `daemonStatus` of provisionerdaemons/status.ts: idle or busy. */
export function daemonOnline(now: Date): Prisma.Sql {
  return Prisma.sql`(d.left_at IS NULL AND d.last_seen_at >= ${new Date(now.getTime() - DAEMON_STALE_MS)})`;
}
