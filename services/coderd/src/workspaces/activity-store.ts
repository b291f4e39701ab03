import type { Database } from "../database/client.js";
import { SUCCEEDED } from "../provisionerjobs/predicates.js";

/** Workspace activity: postpones dormancy and extends the deadline by the template's activity bump. */
export type WorkspaceActivity = {
  /**
   * Records that the workspaces were used at `now`. A deadline that has not passed is extended to the template's
   * activity bump from now, but never moved earlier, and never past the stop that the template requires.
   */
  record(workspaceIds: readonly string[], now: Date): Promise<void>;
};

/** Share of a bump that must pass before the next one, so that a session does not cause a write with every report. */
const BUMP_AFTER = 0.05;

export function createWorkspaceActivity(db: Database): WorkspaceActivity {
  return {
    async record(workspaceIds, now) {
      if (workspaceIds.length === 0) return;
      await db.$executeRaw`
        WITH used AS (
          UPDATE workspaces w SET last_used_at = GREATEST(w.last_used_at, ${now})
          WHERE w.id = ANY(${workspaceIds}::uuid[]) RETURNING w.latest_build_id, w.template_id
        )
        UPDATE workspace_builds b
        SET deadline = LEAST(b.max_deadline, ${now}::timestamptz + t.activity_bump_ms * interval '1 millisecond')
        FROM used u JOIN templates t ON t.id = u.template_id, provisioner_jobs j
        WHERE b.id = u.latest_build_id AND j.id = b.job_id AND b.transition = 'start' AND ${SUCCEEDED}
          AND t.activity_bump_ms > 0 AND b.deadline > ${now}
          AND b.deadline < LEAST(b.max_deadline, ${now}::timestamptz
            + t.activity_bump_ms * ${1 - BUMP_AFTER}::float8 * interval '1 millisecond')`;
    },
  };
}
