import type { ActivityRecorder } from "../agents/activity.js";
import type { Database } from "../database/client.js";
import { Prisma } from "../database/gen/client.js";
import { toJson } from "../database/json.js";
import { SUCCEEDED } from "../provisionerjobs/predicates.js";
import { NEXT_START, TTL_MS } from "../schedules/predicates.js";
import { afterActivity, type Run } from "../schedules/rules.js";

/**
 * Workspace activity. Each use postpones dormancy; what the template counts also postpones the deadline by its activity
 * bump, as `afterActivity` says. Processes that the template does not count are no use.
 */
export type WorkspaceActivity = ActivityRecorder;

/**
 * Whether template `t` counts use `u`. By default as upstream: an app that is open in a browser keeps a workspace from
 * becoming dormant, but not from stopping.
 */
const COUNTS = Prisma.sql`CASE u.kind
  WHEN 'processes' THEN 'processes' = ANY(t.activity_kinds) AND u.cpu >= t.activity_cpu_percent
  WHEN 'app' THEN 'apps' = ANY(t.activity_kinds) AND (u.input OR NOT t.activity_requires_input)
  ELSE 'sessions' = ANY(t.activity_kinds) AND (u.input OR NOT t.activity_requires_input) END`;

type UsedRun = Run & { buildId: string; deadline: Date; bumpMs: number; at: Date };

export function createWorkspaceActivity(db: Database): WorkspaceActivity {
  return {
    async record(uses) {
      if (uses.length === 0) return;
      const rows = uses.map(({ workspaceId, kind, at, input = false, cpuPercent = 0 }) => ({
        workspace_id: workspaceId,
        kind,
        at,
        input,
        cpu: cpuPercent,
      }));
      // Locked in order: reports of two replicas may name the same workspaces.
      const runs = await db.$queryRaw<UsedRun[]>`
        WITH use AS (
          SELECT u.workspace_id, max(u.at) AS at, max(u.at) FILTER (WHERE counts) AS postpones_at,
            jsonb_object_agg(u.kind, u.at ORDER BY u.at) FILTER (WHERE counts) AS seen
          FROM jsonb_to_recordset(${toJson(rows)}::jsonb)
            AS u(workspace_id uuid, kind text, at timestamptz, input boolean, cpu float8)
          JOIN workspaces w ON w.id = u.workspace_id JOIN templates t ON t.id = w.template_id
          CROSS JOIN LATERAL (SELECT ${COUNTS} AS counts) c
          WHERE counts OR u.kind <> 'processes' GROUP BY u.workspace_id
        ), locked AS (
          SELECT id FROM workspaces WHERE id IN (SELECT workspace_id FROM use) ORDER BY id FOR NO KEY UPDATE
        ), used AS (
          UPDATE workspaces w SET last_used_at = GREATEST(w.last_used_at, use.at),
            activity = w.activity || COALESCE(use.seen, '{}')
          FROM use, locked WHERE w.id = use.workspace_id AND locked.id = w.id
          RETURNING w.id, w.latest_build_id, w.template_id, w.ttl_ms, w.next_start_at, use.postpones_at
        )
        SELECT b.id AS "buildId", b.deadline, b.max_deadline AS "maxDeadline", ${TTL_MS} AS "ttlMs",
          ${NEXT_START} AS "nextStartAt", t.activity_bump_ms::float8 AS "bumpMs", w.postpones_at AS at
        FROM used w JOIN templates t ON t.id = w.template_id
        JOIN workspace_builds b ON b.id = w.latest_build_id JOIN provisioner_jobs j ON j.id = b.job_id
        WHERE b.transition = 'start' AND ${SUCCEEDED} AND b.deadline > w.postpones_at AND t.activity_bump_ms > 0`;
      await store(
        runs.flatMap((run) => {
          const deadline = afterActivity(run, run.at);
          return deadline ? [{ build_id: run.buildId, deadline, was: run.deadline }] : [];
        }),
      );
    },
  };

  /** A deadline that has changed meanwhile is left as it is: the next report looks again. */
  async function store(changes: readonly { build_id: string; deadline: Date; was: Date }[]): Promise<void> {
    if (changes.length === 0) return;
    const sorted = changes.toSorted((a, b) => (a.build_id < b.build_id ? -1 : 1));
    await db.$executeRaw(Prisma.sql`
      WITH change AS (
        SELECT * FROM jsonb_to_recordset(${toJson(sorted)}::jsonb)
          AS c(build_id uuid, deadline timestamptz, was timestamptz)
      ), locked AS (
        SELECT id FROM workspace_builds WHERE id IN (SELECT build_id FROM change) ORDER BY id FOR NO KEY UPDATE
      )
      UPDATE workspace_builds b SET deadline = c.deadline FROM change c, locked
      WHERE b.id = c.build_id AND locked.id = b.id AND b.deadline = c.was`);
  }
}
