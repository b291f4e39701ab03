import type { Database } from "../database/client.js";
import { SUCCEEDED } from "../provisionerjobs/predicates.js";

/** That workspaces are in use: it puts dormancy off, and moves the deadline as far as the template says. */
export type WorkspaceActivity = {
  /**
   * Records that the workspaces were in use at `now`. A deadline that has not passed moves to the template's activity
   * bump from now, but never back, and never beyond the stop that the template requires.
   */
  record(workspaceIds: readonly string[], now: Date): Promise<void>;
};

/** The share of a bump that has to have passed before the next one, so that a session does not write at each report. */
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
