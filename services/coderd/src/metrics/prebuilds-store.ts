import { connectionCondition } from "../agents/predicates.js";
import { PREBUILDS_USER_ID } from "../auth/system-users.js";
import type { Database } from "../database/client.js";
import { type Desired, instancesAt } from "../prebuilds/schedule.js";
import { SUCCEEDED } from "../provisionerjobs/predicates.js";

/** The prebuilds of a preset, of all versions of its template. */
export type PresetNumbers = {
  organization: string;
  template: string;
  preset: string;
  desired: number;
  running: number;
  eligible: number;
  created: number;
  failed: number;
  claimed: number;
  hardLimited: boolean;
};

type Row = Omit<PresetNumbers, "desired"> & { wants: Desired | null };

export async function readPrebuilds(db: Database, now: Date): Promise<PresetNumbers[]> {
  const rows = await db.$queryRaw<Row[]>`
    WITH made AS (
      SELECT p.id AS preset_id, count(*) AS created,
        count(*) FILTER (WHERE COALESCE(fj.error, '') <> '') AS failed,
        count(*) FILTER (WHERE w.owner_id <> ${PREBUILDS_USER_ID}::uuid) AS claimed,
        count(*) FILTER (WHERE s.running) AS running,
        count(*) FILTER (WHERE s.running AND NOT EXISTS (
          SELECT 1 FROM workspace_resources r JOIN workspace_agents a ON a.resource_id = r.id
          WHERE r.job_id = b.job_id AND a.parent_id IS NULL
            AND NOT (a.lifecycle_state = 'ready' AND ${connectionCondition("connected", now)}))) AS eligible
      FROM template_version_presets p
      JOIN workspace_builds f ON f.preset_id = p.id AND f.build_number = 1 AND f.initiator_id = ${PREBUILDS_USER_ID}::uuid
      JOIN provisioner_jobs fj ON fj.id = f.job_id
      JOIN workspaces w ON w.id = f.workspace_id
      JOIN workspace_builds b ON b.id = w.latest_build_id
      JOIN provisioner_jobs j ON j.id = b.job_id
      CROSS JOIN LATERAL (SELECT w.owner_id = ${PREBUILDS_USER_ID}::uuid AND NOT w.deleted AND b.transition = 'start'
        AND ${SUCCEEDED} AS running) s
      GROUP BY 1
    )
    SELECT o.name AS organization, t.name AS template, p.name AS preset,
      COALESCE(sum(made.created), 0)::int AS created, COALESCE(sum(made.failed), 0)::int AS failed,
      COALESCE(sum(made.claimed), 0)::int AS claimed, COALESCE(sum(made.running), 0)::int AS running,
      COALESCE(sum(made.eligible), 0)::int AS eligible,
      bool_or(v.id = t.active_version_id AND p.prebuild_status = 'hard_limited') AS "hardLimited",
      (jsonb_agg(jsonb_build_object('instances', p.prebuild_instances, 'timezone', p.prebuild_timezone,
        'schedules', p.prebuild_schedules)) FILTER (WHERE v.id = t.active_version_id)) -> 0 AS wants
    FROM template_version_presets p
    JOIN template_versions v ON v.id = p.template_version_id
    JOIN templates t ON t.id = v.template_id AND NOT t.deleted
    JOIN organizations o ON o.id = t.organization_id
    LEFT JOIN made ON made.preset_id = p.id
    WHERE made.preset_id IS NOT NULL
      OR (v.id = t.active_version_id AND (p.prebuild_instances > 0 OR p.prebuild_schedules <> '[]'))
    GROUP BY 1, 2, 3`;
  return rows.map(({ wants, ...row }) => ({ ...row, desired: wants ? instancesAt(wants, now) : 0 }));
}
