import type { Database, Transaction } from "../database/client.js";
import { Prisma } from "../database/gen/client.js";

/** What users are told of a build. */
export type BuildEventFacts = {
  buildId: string;
  buildNumber: number;
  transition: string;
  reason: string;
  workspaceId: string;
  workspaceName: string;
  ownerId: string;
  ownerName: string;
  organizationId: string;
  templateId: string;
  templateName: string;
  versionName: string;
  versionMessage: string;
  initiatorId: string;
  initiatorName: string;
  error: string;
  canceled: boolean;
};

export type BuildEventStore = {
  ofJobs(tx: Transaction, jobIds: readonly string[]): Promise<BuildEventFacts[]>;
  ofBuild(tx: Transaction, buildId: string): Promise<BuildEventFacts | undefined>;
  /** Templates with builds that have failed since, for a summary. */
  failures(since: Date): Promise<FailedBuilds[]>;
  /**
   * Claims the summary if the last one was before this moment. Returns when that was; undefined if there is none to
   * send, or another replica claimed it.
   */
  claimSummary(before: Date, now: Date): Promise<Date | undefined>;
};

/** A template's builds, of which some failed. */
export type FailedBuilds = {
  organizationId: string;
  templateId: string;
  templateName: string;
  builds: number;
  failed: number;
  /** The latest, at most FAILURES_LISTED. */
  latest: { workspace: string; owner: string; build: number; version: string }[];
};

const FAILURES_LISTED = 10;
const SUMMARY_KEY = "failed_builds_report_at";

export function createBuildEventStore(db: Database): BuildEventStore {
  const select = (tx: Transaction, where: Prisma.Sql) => tx.$queryRaw<BuildEventFacts[]>`
    SELECT b.id AS "buildId", b.build_number AS "buildNumber", b.transition::text AS transition, b.reason,
      w.id AS "workspaceId", w.name AS "workspaceName", w.owner_id AS "ownerId", owner.username AS "ownerName",
      w.organization_id AS "organizationId", t.id AS "templateId",
      COALESCE(NULLIF(t.display_name, ''), t.name) AS "templateName", v.name AS "versionName",
      v.message AS "versionMessage", b.initiator_id AS "initiatorId", initiator.username AS "initiatorName",
      COALESCE(j.error, '') AS error, j.canceled_at IS NOT NULL AS canceled
    FROM workspace_builds b
    JOIN provisioner_jobs j ON j.id = b.job_id
    JOIN workspaces w ON w.id = b.workspace_id
    JOIN users owner ON owner.id = w.owner_id
    JOIN users initiator ON initiator.id = b.initiator_id
    JOIN templates t ON t.id = w.template_id
    JOIN template_versions v ON v.id = b.template_version_id
    WHERE ${where}`;

  return {
    ofJobs: (tx, jobIds) => select(tx, Prisma.sql`b.job_id = ANY(${[...jobIds]}::uuid[])`),
    ofBuild: async (tx, buildId) => (await select(tx, Prisma.sql`b.id = ${buildId}::uuid`))[0],

    failures: (since) => db.$queryRaw<FailedBuilds[]>`
      WITH build AS (
        SELECT w.template_id, w.name AS workspace, owner.username AS owner, b.build_number, v.name AS version,
          COALESCE(j.error, '') <> '' AND j.canceled_at IS NULL AS failed,
          row_number() OVER (PARTITION BY w.template_id, COALESCE(j.error, '') <> '' AND j.canceled_at IS NULL
            ORDER BY j.completed_at DESC) AS nth
        FROM provisioner_jobs j
        JOIN workspace_builds b ON b.job_id = j.id
        JOIN workspaces w ON w.id = b.workspace_id
        JOIN users owner ON owner.id = w.owner_id
        JOIN template_versions v ON v.id = b.template_version_id
        WHERE j.completed_at > ${since}
      )
      SELECT t.organization_id AS "organizationId", t.id AS "templateId",
        COALESCE(NULLIF(t.display_name, ''), t.name) AS "templateName", count(*)::int AS builds,
        (count(*) FILTER (WHERE b.failed))::int AS failed,
        COALESCE(jsonb_agg(jsonb_build_object('workspace', b.workspace, 'owner', b.owner, 'build', b.build_number,
          'version', b.version) ORDER BY b.nth) FILTER (WHERE b.failed AND b.nth <= ${FAILURES_LISTED}), '[]') AS latest
      FROM build b JOIN templates t ON t.id = b.template_id AND NOT t.deleted
      GROUP BY t.id HAVING bool_or(b.failed) ORDER BY t.name, t.id`,

    async claimSummary(before, now) {
      const value = now.toISOString();
      // The first one is due a week after a deployment has started.
      await db.siteConfig.createMany({ data: [{ key: SUMMARY_KEY, value }], skipDuplicates: true });
      const last = await db.siteConfig.findUniqueOrThrow({ where: { key: SUMMARY_KEY } });
      const at = new Date(last.value);
      // A time in the future was written by a clock that was wrong.
      if (at > before && at <= now) return undefined;
      const { count } = await db.siteConfig.updateMany({
        where: { key: SUMMARY_KEY, value: last.value },
        data: { value },
      });
      return count > 0 ? new Date(Math.min(at.getTime(), before.getTime())) : undefined;
    },
  };
}
