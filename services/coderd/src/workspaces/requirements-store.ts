import type { Clock } from "@fleet/base";
import type { Database } from "../database/client.js";
import { Prisma } from "../database/gen/client.js";
import { toJson } from "../database/json.js";
import { SUCCEEDED } from "../provisionerjobs/predicates.js";
import { NEXT_START, TTL_MS } from "../schedules/predicates.js";
import { parseQuietHours, type QuietHoursPolicy, quietHoursOf } from "../schedules/quiet-hours.js";
import { afterRequirement, type Run } from "../schedules/rules.js";

/** Whose running workspaces follow what has changed. */
export type RunningOf = { templateId: string } | { ownerId: string };

/** The stops that templates require, once a template or its users' quiet hours have changed. */
export type RequiredStops = {
  /** Sets the deadlines of running workspaces anew. */
  follow(of: RunningOf): Promise<void>;
};

type Row = Run & {
  buildId: string;
  startedAt: Date;
  days: string[];
  weeks: number;
  ownQuietHours: string | null;
};

export function createRequiredStops({
  db,
  quietHours,
  clock,
}: {
  db: Database;
  quietHours: QuietHoursPolicy;
  clock: Clock;
}): RequiredStops {
  return {
    async follow(of) {
      const which =
        "templateId" in of
          ? Prisma.sql`w.template_id = ${of.templateId}::uuid`
          : Prisma.sql`w.owner_id = ${of.ownerId}::uuid`;
      const rows = await db.$queryRaw<Row[]>`
        SELECT b.id AS "buildId", j.completed_at AS "startedAt", b.deadline, b.max_deadline AS "maxDeadline",
          ${TTL_MS} AS "ttlMs", ${NEXT_START} AS "nextStartAt", t.autostop_requirement_days AS days,
          t.autostop_requirement_weeks AS weeks, u.quiet_hours AS "ownQuietHours"
        FROM workspaces w
        JOIN templates t ON t.id = w.template_id
        JOIN users u ON u.id = w.owner_id
        JOIN workspace_builds b ON b.id = w.latest_build_id
        JOIN provisioner_jobs j ON j.id = b.job_id
        WHERE NOT w.deleted AND b.transition = 'start' AND ${SUCCEEDED} AND ${which}
        ORDER BY w.id FOR NO KEY UPDATE OF w`;
      const now = clock.now();
      const changes = rows.flatMap((row) => {
        const rule = { ...row, quietHours: parseQuietHours(quietHoursOf(row.ownQuietHours, quietHours)) };
        const next = afterRequirement(row, rule, now);
        const same = (one: Date | null, other: Date | null) => one?.getTime() === other?.getTime();
        if (same(next.deadline, row.deadline) && same(next.maxDeadline, row.maxDeadline)) return [];
        return [{ id: row.buildId, deadline: next.deadline, max_deadline: next.maxDeadline }];
      });
      if (changes.length === 0) return;
      await db.$executeRaw`
        UPDATE workspace_builds b SET deadline = c.deadline, max_deadline = c.max_deadline
        FROM jsonb_to_recordset(${toJson(changes)}::jsonb)
          AS c(id uuid, deadline timestamptz, max_deadline timestamptz)
        WHERE b.id = c.id`;
    },
  };
}
