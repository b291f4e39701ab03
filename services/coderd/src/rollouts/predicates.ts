import { Prisma } from "../database/gen/client.js";

/**
 * The active version of one workspace of template `t`: that of a rollout if the workspace belongs to its share,
 * otherwise the template's. Whatever follows the active version asks this, so that all agree. The parts of a rollout
 * are those of the SQL function `rollout_part`.
 */
export function activeVersionOf(workspaceId: Prisma.Sql): Prisma.Sql {
  return Prisma.sql`COALESCE((SELECT ro.version_id FROM template_rollouts ro
    WHERE ro.template_id = t.id AND ro.ended_at IS NULL AND ${inShare(workspaceId)}), t.active_version_id)`;
}

/** Whether a workspace belongs to the share of rollout `ro`: `percentOf` of status.ts. */
export function inShare(workspaceId: Prisma.Sql): Prisma.Sql {
  return Prisma.sql`(ro.status IN ('running', 'paused')
    AND rollout_part(ro.version_id, ${workspaceId}) < ro.steps[ro.step + 1])`;
}

/** `activeVersionOf` workspace `w`. */
export const ACTIVE_VERSION = activeVersionOf(Prisma.sql`w.id`);

/**
 * Build `b` of template `t` has a version that was withdrawn: its latest rollout stopped or was aborted. Its workspace
 * takes the active version when it is next started.
 */
export const WITHDRAWN = Prisma.sql`(b.template_version_id <> t.active_version_id AND COALESCE((
  SELECT ro.status IN ('stopped', 'aborted') FROM template_rollouts ro
  WHERE ro.version_id = b.template_version_id ORDER BY ro.created_at DESC LIMIT 1), false))`;

/** Version `v` takes part in a rollout that has not ended. */
export const IN_ROLLOUT = Prisma.sql`EXISTS (SELECT 1 FROM template_rollouts ro
  WHERE ro.template_id = v.template_id AND ro.ended_at IS NULL AND v.id IN (ro.version_id, ro.former_version_id))`;
