import type { Database } from "../database/client.js";
import { Prisma } from "../database/gen/client.js";
import { DAY, ofMinute, runsOf } from "./minutes.js";

/** Reports per statement. One of an app may be of a whole day. */
const AGENT_REPORTS = 5_000;
const APP_REPORTS = 500;
/** Statements per run; the next run goes on with what is left. */
const ROUNDS = 200;
/** Buckets of latencies for each doubling. */
export const LATENCY_STEPS = 8;

/**
 * Adds the reports of agents and proxies to `usage_days`. A report and its mark are one statement, and the minutes of a day
 * are a set, so neither a repeated report, nor a crash, nor two replicas at once count anything twice, and a report that
 * arrives late is counted when it arrives.
 */
export async function countUsage(db: Database, refreshMs: number): Promise<void> {
  await whole(AGENT_REPORTS, (limit) => countAgents(db, refreshMs, limit));
  await whole(APP_REPORTS, (limit) => countApps(db, limit));
}

async function whole(limit: number, count: (limit: number) => Promise<number>): Promise<void> {
  for (let round = 0; round < ROUNDS; round++) if ((await count(limit)) < limit) return;
}

/** A session's minutes are those between its agent's reports. */
async function countAgents(db: Database, refreshMs: number, limit: number): Promise<number> {
  const earlier = `${Math.max(0, Math.ceil(refreshMs / 60_000) - 1)} minutes`;
  const [row] = await db.$queryRaw<[{ count: number }]>`
    WITH picked AS (
      SELECT id FROM workspace_agent_stats WHERE NOT counted ORDER BY id LIMIT ${limit} FOR UPDATE SKIP LOCKED
    ), report AS (
      UPDATE workspace_agent_stats s SET counted = true FROM picked p WHERE s.id = p.id RETURNING s.*
    ), fact AS (
      SELECT f.kind, f.name, r.template_id, r.user_id, m.at
      FROM report r JOIN users u ON u.id = r.user_id AND NOT u.is_system
      CROSS JOIN LATERAL generate_series(r.created_at - ${earlier}::interval, r.created_at, interval '1 minute') m(at)
      CROSS JOIN LATERAL (VALUES
        ('session', 'vscode', r.session_count_vscode > 0), ('session', 'jetbrains', r.session_count_jetbrains > 0),
        ('session', 'reconnecting-pty', r.session_count_reconnecting_pty > 0),
        ('session', 'ssh', r.session_count_ssh > 0),
        ('any', '', r.connection_count + r.session_count_vscode + r.session_count_jetbrains
          + r.session_count_reconnecting_pty + r.session_count_ssh > 0),
        ('latency', round(${LATENCY_STEPS}::float8 * log(2, GREATEST(r.connection_median_latency_ms, 0.01)::numeric)::float8)::text,
          r.connection_median_latency_ms > 0 AND r.connection_median_latency_ms < 'Infinity')
      ) f(kind, name, holds)
      WHERE f.holds
    ), ${ADDED}
    SELECT (SELECT count(*)::int FROM picked) AS count`;
  return row.count;
}

/** The minutes between the start and the end of a session; those before `counted_until` are already counted. */
async function countApps(db: Database, limit: number): Promise<number> {
  const [row] = await db.$queryRaw<[{ count: number }]>`
    WITH picked AS (
      SELECT id, GREATEST(started_at, counted_until, ended_at - interval '1 day') AS since FROM workspace_app_stats
      WHERE counted_until IS NULL OR counted_until < ended_at ORDER BY id LIMIT ${limit} FOR UPDATE SKIP LOCKED
    ), report AS (
      UPDATE workspace_app_stats s SET counted_until = s.ended_at FROM picked p WHERE s.id = p.id
      RETURNING s.user_id, s.workspace_id, s.slug_or_port, LEAST(p.since, s.ended_at) AS since, s.ended_at
    ), fact AS (
      SELECT f.kind, f.name, w.template_id, u.id AS user_id, m.at
      FROM report r JOIN workspaces w ON w.id = r.workspace_id
      JOIN users u ON u.id = CASE WHEN r.user_id ~ ${UUID} THEN r.user_id::uuid END AND NOT u.is_system
      CROSS JOIN LATERAL generate_series(date_trunc('minute', r.since), r.ended_at, interval '1 minute') m(at)
      CROSS JOIN LATERAL (VALUES ('app', left(r.slug_or_port, ${NAME_LENGTH}::int)), ('any', '')) f(kind, name)
    ), ${ADDED}
    SELECT (SELECT count(*)::int FROM picked) AS count`;
  return row.count;
}

/** Names are a part of a key. */
const NAME_LENGTH = 128;

const UUID = "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$";

/** Adds the rows of `fact`, in order, so that two replicas never wait for each other. */
const ADDED = Prisma.sql`
  days AS (
    SELECT kind, ${DAY(Prisma.sql`at`)} AS day, template_id, user_id, name, bit_or(${ofMinute(Prisma.sql`at`)}) AS minutes
    FROM fact GROUP BY 1, 2, 3, 4, 5
  ), added AS (
    INSERT INTO usage_days AS d (kind, day, template_id, user_id, name, minutes, used, uses)
    SELECT kind, day, template_id, user_id, name, minutes, bit_count(minutes), ${runsOf(Prisma.sql`minutes`)}
    FROM days ORDER BY 1, 2, 3, 4, 5
    ON CONFLICT (kind, day, template_id, user_id, name) DO UPDATE SET minutes = d.minutes | EXCLUDED.minutes,
      used = bit_count(d.minutes | EXCLUDED.minutes), uses = ${runsOf(Prisma.sql`(d.minutes | EXCLUDED.minutes)`)}
    WHERE (d.minutes | EXCLUDED.minutes) <> d.minutes
  )`;
