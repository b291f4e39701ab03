import type { Reach } from "@fleet/rbac";
import { rolesAllowing } from "../auth/acl.js";
import { type ReachColumns, reachable } from "../auth/predicates.js";
import { TEMPLATE_ACTIONS } from "../auth/template-access.js";
import type { Database } from "../database/client.js";
import { Prisma } from "../database/gen/client.js";
import { SUCCEEDED } from "../provisionerjobs/predicates.js";
import { between, DAY_MINUTES, runsOf } from "./minutes.js";
import { countUsage } from "./rollup-store.js";
import type { Range, Span } from "./spans.js";

/** The templates of a report; undefined for all of them. */
export type Templates = readonly string[] | undefined;

export type ActiveUsers = { range: number; users: number; templateIds: string[] };
export type UserActivity = {
  userId: string;
  username: string;
  avatarUrl: string;
  templateIds: string[];
  seconds: number;
};
/** How many minutes a user's connections had latencies of a bucket. */
export type UserLatency = Omit<UserActivity, "seconds"> & { bucket: number; minutes: number };
/** In one template. */
export type AppUse = {
  kind: "session" | "app";
  name: string;
  templateId: string;
  seconds: number;
  /** Runs of minutes; one that goes on at midnight (UTC) is counted again. */
  timesUsed: number;
};
export type App = { slug: string; displayName: string; icon: string };
/** How many workspaces of one template have a value of a parameter. */
export type ParameterUse = {
  templateId: string;
  name: string;
  displayName: string;
  description: string;
  type: string;
  options: unknown;
  value: string;
  count: number;
};
export type StatusChange = { status: string; day: number; change: number };

/**
 * Reads usage. Every query reads one row for each day, template, user and way of use, whatever the number of reports was.
 */
export type InsightStore = {
  /** The templates whose insights are within the reach; of these, if some are given. */
  visible(reach: Reach, ids: Templates): Promise<string[]>;
  /** Users who used a workspace, by range, and the templates of their workspaces. */
  activeUsers(spans: readonly Span[], templates: Templates): Promise<ActiveUsers[]>;
  /** Users who used a workspace, by template. */
  usersOfTemplates(spans: readonly Span[]): Promise<{ templateId: string; users: number }[]>;
  /** Names by id. */
  templateNames(ids: readonly string[]): Promise<Map<string, string>>;
  /** The users of the spans, the most active first. */
  activity(spans: readonly Span[], templates: Templates): Promise<UserActivity[]>;
  latencies(spans: readonly Span[], templates: Templates): Promise<UserLatency[]>;
  apps(spans: readonly Span[], templates: Templates): Promise<AppUse[]>;
  /** How the active versions of the templates that used these apps show them. */
  shown(apps: readonly AppUse[]): Promise<App[]>;
  /** Values of the last start of each workspace, if it was in the range. */
  parameters(range: Range, templates: Templates): Promise<ParameterUse[]>;
  /**
   * By how much the number of users with a status has changed between the moments: `day` is the position of the first
   * moment that is later, and the number of moments if none is.
   */
  statusChanges(moments: readonly Date[]): Promise<StatusChange[]>;
  /** Adds what agents and proxies, who report every `refreshMs`, have reported. */
  count(refreshMs: number): Promise<void>;
  /** Stores that a client has a session with a workspace. */
  addSession(workspaceId: string, agentId: string, app: ClientApp, at: Date): Promise<void>;
};

export type ClientApp = "vscode" | "jetbrains" | "ssh" | "reconnecting-pty";

/** Users in a report, values of a parameter, and values of all parameters. */
const USERS = 10_000;
const VALUES = 100;
const PARAMETER_ROWS = 20_000;

/**
 * What was used in the spans: how many minutes, in how many runs. Whole days are read without their minutes. OFFSET 0: the
 * minutes of a span are computed once, and not for each row.
 */
const usedWithin = (kinds: readonly string[], spans: readonly Span[], templates: Templates) => Prisma.sql`(
  WITH span AS (
    SELECT range, day, low, high, low = 0 AND high = ${DAY_MINUTES}::int AS whole
    FROM unnest(${spans.map(({ range }) => range)}::int[], ${spans.map(({ day }) => day)}::date[],
      ${spans.map(({ low }) => low)}::int[], ${spans.map(({ high }) => high)}::int[]) AS span(range, day, low, high)
  )
  SELECT s.range, d.kind, d.name, d.template_id, d.user_id, d.used, d.uses
  FROM span s JOIN usage_days d ON ${matching(kinds, templates)} WHERE s.whole
  UNION ALL
  SELECT s.range, d.kind, d.name, d.template_id, d.user_id, bit_count(d.minutes & s.minutes),
    ${runsOf(Prisma.sql`(d.minutes & s.minutes)`)}
  FROM (SELECT range, day, ${between(Prisma.sql`low`, Prisma.sql`high`)} AS minutes FROM span WHERE NOT whole OFFSET 0) s
  JOIN usage_days d ON ${matching(kinds, templates)} WHERE bit_count(d.minutes & s.minutes) > 0)`;

const matching = (kinds: readonly string[], templates: Templates) =>
  Prisma.sql`d.kind = ANY(${[...kinds]}) AND d.day = s.day AND ${within(Prisma.sql`d.template_id`, templates)}`;

const COLUMNS: ReachColumns = {
  id: Prisma.sql`t.id`,
  organization: Prisma.sql`t.organization_id`,
  acl: {
    users: Prisma.sql`t.user_acl`,
    groups: Prisma.sql`t.group_acl`,
    roles: rolesAllowing("view_insights", TEMPLATE_ACTIONS),
  },
};

const within = (column: Prisma.Sql, templates: Templates) =>
  templates ? Prisma.sql`${column} = ANY(${[...templates]}::uuid[])` : Prisma.sql`true`;

export function createInsightStore(db: Database): InsightStore {
  return {
    async visible(reach, ids) {
      const rows = await db.$queryRaw<{ id: string }[]>`
        SELECT t.id FROM templates t WHERE ${reachable(reach, COLUMNS)} AND ${within(Prisma.sql`t.id`, ids)}`;
      return rows.map(({ id }) => id);
    },

    activeUsers: (spans, templates) => db.$queryRaw`
      WITH used AS MATERIALIZED (
        SELECT DISTINCT range, user_id, template_id FROM ${usedWithin(["any"], spans, templates)} used
      )
      SELECT u.range, u.users, t.ids AS "templateIds"
      FROM (SELECT range, count(*)::int AS users FROM (SELECT DISTINCT range, user_id FROM used) u GROUP BY 1) u
      JOIN (SELECT range, array_agg(template_id) AS ids FROM (SELECT DISTINCT range, template_id FROM used) t GROUP BY 1) t
        ON t.range = u.range`,

    usersOfTemplates: (spans) => db.$queryRaw`
      SELECT template_id AS "templateId", count(*)::int AS users FROM (
        SELECT DISTINCT template_id, user_id FROM ${usedWithin(["any"], spans, undefined)} used) u GROUP BY 1`,

    async templateNames(ids) {
      const rows = await db.template.findMany({
        where: { id: { in: [...ids] } },
        select: { id: true, name: true },
      });
      return new Map(rows.map(({ id, name }) => [id, name]));
    },

    activity: (spans, templates) => db.$queryRaw`
      SELECT u.id AS "userId", u.username, u.avatar_url AS "avatarUrl", total.templates AS "templateIds", total.seconds
      FROM (
        SELECT user_id, sum(used) * 60 AS seconds, array_agg(template_id) AS templates FROM (
          SELECT user_id, template_id, sum(used)::float8 AS used
          FROM ${usedWithin(["any"], spans, templates)} used GROUP BY 1, 2
        ) t GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT ${USERS}
      ) total JOIN users u ON u.id = total.user_id ORDER BY total.seconds DESC, u.username`,

    latencies: (spans, templates) => db.$queryRaw`
      SELECT u.id AS "userId", u.username, u.avatar_url AS "avatarUrl", l.templates AS "templateIds", l.bucket, l.minutes
      FROM (
        SELECT user_id, name::int AS bucket, sum(used) AS minutes, array_agg(template_id) AS templates FROM (
          SELECT user_id, template_id, name, sum(used)::float8 AS used
          FROM ${usedWithin(["latency"], spans, templates)} used GROUP BY 1, 2, 3
        ) t GROUP BY 1, 2
      ) l JOIN users u ON u.id = l.user_id ORDER BY u.username, u.id, l.bucket LIMIT ${USERS * 10}`,

    apps: (spans, templates) => db.$queryRaw`
      SELECT kind, name, template_id AS "templateId", sum(used)::float8 * 60 AS seconds, sum(uses)::float8 AS "timesUsed"
      FROM ${usedWithin(["session", "app"], spans, templates)} used GROUP BY 1, 2, 3`,

    shown: (apps) => db.$queryRaw`
      SELECT DISTINCT ON (a.slug) a.slug, a.display_name AS "displayName", a.icon
      FROM templates t JOIN template_versions v ON v.id = t.active_version_id
      JOIN workspace_resources r ON r.job_id = v.job_id JOIN workspace_agents g ON g.resource_id = r.id
      JOIN workspace_apps a ON a.agent_id = g.id
      WHERE t.id = ANY(${apps.map(({ templateId }) => templateId)}::uuid[])
        AND a.slug = ANY(${apps.map(({ name }) => name)})
      ORDER BY a.slug, v.created_at DESC, a.id`,

    parameters: ({ from, to }, templates) => db.$queryRaw`
      SELECT * FROM (
        SELECT d.name, d.type, l.template_id AS "templateId", max(d.display_name) AS "displayName",
          max(d.description) AS description, (array_agg(d.options))[1] AS options, p.value, count(*)::int AS count,
          row_number() OVER (PARTITION BY d.name, d.type, l.template_id ORDER BY count(*) DESC, p.value) AS rank
        FROM (
          SELECT w.template_id, b.id, b.template_version_id
          FROM workspaces w JOIN users u ON u.id = w.owner_id AND NOT u.is_system
          CROSS JOIN LATERAL (
            SELECT b.id, b.template_version_id, b.created_at
            FROM workspace_builds b JOIN provisioner_jobs j ON j.id = b.job_id
            WHERE b.workspace_id = w.id AND b.created_at < ${to} AND b.transition = 'start' AND ${SUCCEEDED}
            ORDER BY b.build_number DESC LIMIT 1) b
          WHERE b.created_at >= ${from} AND ${within(Prisma.sql`w.template_id`, templates)}
        ) l JOIN workspace_build_parameters p ON p.build_id = l.id
        JOIN template_version_parameters d ON d.template_version_id = l.template_version_id AND d.name = p.name
        GROUP BY d.name, d.type, l.template_id, p.value
      ) value WHERE rank <= ${VALUES} ORDER BY name, type, count DESC, value LIMIT ${PARAMETER_ROWS}`,

    statusChanges: (moments) => db.$queryRaw`
      WITH change AS (
        SELECT status, lag(status) OVER (PARTITION BY user_id ORDER BY changed_at, id) AS former,
          width_bucket(changed_at, ${[...moments]}::timestamptz[]) AS day
        FROM user_status_changes
      )
      SELECT status, day, sum(change)::int AS change FROM (
        SELECT status, day, 1 AS change FROM change UNION ALL SELECT former, day, -1 FROM change WHERE former IS NOT NULL
      ) c GROUP BY 1, 2`,

    count: (refreshMs) => countUsage(db, refreshMs),

    async addSession(workspaceId, agentId, app, at) {
      const one = (name: ClientApp) => (name === app ? 1 : 0);
      await db.$executeRaw`
        INSERT INTO workspace_agent_stats (created_at, user_id, workspace_id, template_id, agent_id, by_client,
          session_count_vscode, session_count_jetbrains, session_count_reconnecting_pty, session_count_ssh)
        SELECT ${at}, w.owner_id, w.id, w.template_id, ${agentId}::uuid, true, ${one("vscode")}, ${one("jetbrains")},
          ${one("reconnecting-pty")}, ${one("ssh")} FROM workspaces w WHERE w.id = ${workspaceId}::uuid`;
    },
  };
}
