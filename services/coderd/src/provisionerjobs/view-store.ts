import type { Database } from "../database/client.js";
import { Prisma } from "../database/gen/client.js";
import type { JobType } from "../database/gen/enums.js";
import { DAEMON_COVERS_JOB, daemonOnline, PENDING, statusCondition } from "./predicates.js";
import { type JobStatus, statusOf } from "./status.js";
import type { Tags } from "./tags.js";

/** How many daemons could take a job, and how many of them have a free slot. */
export type MatchedProvisioners = { count: number; available: number; mostRecentlySeen: Date | null };

/** A job with everything shown to users. */
export type JobView = {
  id: string;
  organizationId: string;
  initiatorId: string;
  type: JobType;
  status: JobStatus;
  fileId: string;
  tags: Tags;
  createdAt: Date;
  startedAt: Date | null;
  canceledAt: Date | null;
  completedAt: Date | null;
  error: string | null;
  errorCode: string | null;
  workerId: string | null;
  workerName: string | null;
  logsOverflowed: boolean;
  /** 1-based position among the jobs that the same daemons can take; 0 for a job that is not pending. */
  queuePosition: number;
  queueSize: number;
  /** Only for a pending job. */
  matched: MatchedProvisioners | undefined;
  availableWorkers: string[];
  templateVersionId: string | null;
  templateVersionName: string | null;
  templateId: string | null;
  templateName: string | null;
  templateDisplayName: string | null;
  templateIcon: string | null;
  workspaceBuildId: string | null;
  workspaceId: string | null;
  workspaceName: string | null;
};

export type JobFilter = {
  organizationId: string;
  ids?: string[] | undefined;
  status?: JobStatus[] | undefined;
  tags?: Tags | undefined;
  initiatorId?: string | undefined;
  limit: number;
};

type Row = Omit<JobView, "status" | "matched"> & {
  matchedCount: number | null;
  matchedAvailable: number | null;
  mostRecentlySeen: Date | null;
};

export function createJobViews(db: Database): JobViews {
  async function select(now: Date, where: Prisma.Sql, tail: Prisma.Sql): Promise<JobView[]> {
    const rows = await db.$queryRaw<Row[]>`
      SELECT j.id, j.organization_id AS "organizationId", j.initiator_id AS "initiatorId", j.type, j.file_id AS "fileId",
        j.tags, j.created_at AS "createdAt", j.started_at AS "startedAt", j.canceled_at AS "canceledAt",
        j.completed_at AS "completedAt", j.error, j.error_code AS "errorCode", j.worker_id AS "workerId",
        j.logs_overflowed AS "logsOverflowed",
        worker.name AS "workerName",
        COALESCE(q.position, 0)::int AS "queuePosition", COALESCE(q.size, 0)::int AS "queueSize",
        m.count::int AS "matchedCount", m.available::int AS "matchedAvailable", m.seen AS "mostRecentlySeen",
        COALESCE(m.ids, '{}') AS "availableWorkers",
        v.id AS "templateVersionId", v.name AS "templateVersionName",
        t.id AS "templateId", t.name AS "templateName", t.display_name AS "templateDisplayName", t.icon AS "templateIcon",
        b.id AS "workspaceBuildId", w.id AS "workspaceId", w.name AS "workspaceName"
      FROM provisioner_jobs j
      LEFT JOIN provisioner_daemons worker ON worker.id = j.worker_id
      LEFT JOIN workspace_builds b ON b.job_id = j.id
      LEFT JOIN workspaces w ON w.id = b.workspace_id
      LEFT JOIN template_versions v ON v.id = COALESCE(b.template_version_id, (j.input->>'template_version_id')::uuid)
      LEFT JOIN templates t ON t.id = v.template_id
      LEFT JOIN LATERAL (
        SELECT count(*) FILTER (WHERE (p.priority, p.created_at, p.id) <= (j.priority, j.created_at, j.id)) AS position,
          count(*) AS size
        FROM provisioner_jobs p
        WHERE p.queue = j.queue AND p.started_at IS NULL AND p.completed_at IS NULL
      ) q ON ${PENDING}
      LEFT JOIN LATERAL (
        SELECT count(*) AS count,
          count(*) FILTER (WHERE d.slots > (SELECT count(*) FROM provisioner_jobs r
            WHERE r.worker_id = d.id AND r.started_at IS NOT NULL AND r.completed_at IS NULL)) AS available,
          max(d.last_seen_at) AS seen, array_agg(d.id::text) AS ids
        FROM provisioner_daemons d
        WHERE ${daemonOnline(now)} AND ${DAEMON_COVERS_JOB}
      ) m ON ${PENDING}
      WHERE ${where} ${tail}`;
    return rows.map(({ matchedCount, matchedAvailable, mostRecentlySeen, ...row }) => ({
      ...row,
      status: statusOf(row),
      availableWorkers: row.availableWorkers ?? [],
      matched:
        matchedCount === null
          ? undefined
          : { count: matchedCount, available: matchedAvailable ?? 0, mostRecentlySeen },
    }));
  }

  return {
    async byIds(ids, now) {
      if (ids.length === 0) return new Map();
      const rows = await select(now, Prisma.sql`j.id = ANY(${ids}::uuid[])`, Prisma.empty);
      return new Map(rows.map((row) => [row.id, row]));
    },

    async list(filter, now) {
      const conditions = [Prisma.sql`j.organization_id = ${filter.organizationId}::uuid`];
      if (filter.ids) conditions.push(Prisma.sql`j.id = ANY(${filter.ids}::uuid[])`);
      if (filter.initiatorId) conditions.push(Prisma.sql`j.initiator_id = ${filter.initiatorId}::uuid`);
      if (filter.tags) conditions.push(Prisma.sql`j.tags @> ${JSON.stringify(filter.tags)}::jsonb`);
      if (filter.status?.length) {
        conditions.push(Prisma.sql`(${Prisma.join(filter.status.map(statusCondition), " OR ")})`);
      }
      return select(
        now,
        Prisma.join(conditions, " AND "),
        Prisma.sql`ORDER BY j.created_at DESC LIMIT ${filter.limit}`,
      );
    },
  };
}

/** Jobs as users see them. */
export type JobViews = {
  /** The jobs by their ids. */
  byIds(ids: readonly string[], now: Date): Promise<Map<string, JobView>>;
  /** Newest first. */
  list(filter: JobFilter, now: Date): Promise<JobView[]>;
};
