import type * as wire from "@fleet/sdk";
import type { DailyUsers, Insights, LatencyOfUser, TemplateReport } from "../insights/service.js";
import type { AppUse, ParameterUse, UserActivity } from "../insights/store.js";

type Query = { start_time: string; end_time: string; interval?: "day" | "week" | undefined };

export function toDaus({ entries, offsetHours }: DailyUsers): wire.DausResponse {
  return { entries, tz_hour_offset: offsetHours };
}

export function toActivity(query: Query, users: readonly UserActivity[]): wire.UserActivityInsights {
  return {
    report: {
      ...scopeOf(
        query,
        users.flatMap(({ templateIds }) => templateIds),
      ),
      users: users.map((user) => ({ ...toUser(user), seconds: user.seconds })),
    },
  };
}

export function toLatency(query: Query, users: readonly LatencyOfUser[]): wire.UserLatencyInsights {
  return {
    report: {
      ...scopeOf(
        query,
        users.flatMap(({ templateIds }) => templateIds),
      ),
      users: users.map((user) => ({ ...toUser(user), latency_ms: { p50: user.p50, p95: user.p95 } })),
    },
  };
}

/** Kinds of sessions, shown as apps. */
const BUILTIN = [
  { slug: "vscode", display_name: "Visual Studio Code", icon: "/icon/code.svg" },
  { slug: "jetbrains", display_name: "JetBrains", icon: "/icon/intellij.svg" },
  { slug: "reconnecting-pty", display_name: "Web Terminal", icon: "/icon/terminal.svg" },
  { slug: "ssh", display_name: "SSH", icon: "/icon/terminal.svg" },
] as const;

export function toTemplateInsights(
  query: Query,
  { report, intervals }: TemplateReport,
): wire.TemplateInsights {
  return {
    ...(report && {
      report: {
        ...scopeOf(query, report.templateIds),
        active_users: report.users,
        apps_usage: [
          ...BUILTIN.map((app) => ({
            ...app,
            type: "builtin" as const,
            ...usageOf(report.apps.filter(({ kind, name }) => kind === "session" && name === app.slug)),
          })),
          ...toApps(report),
        ],
        parameters_usage: toParameters(report.parameters),
      },
    }),
    ...(intervals && {
      interval_reports: intervals.map(({ from, to, users, templateIds }) => ({
        start_time: from.toISOString(),
        end_time: to.toISOString(),
        template_ids: templateIds,
        interval: query.interval!,
        active_users: users,
      })),
    }),
  };
}

/** Apps that a template declares. Ports are not shown. */
function toApps({ apps, shown }: NonNullable<TemplateReport["report"]>) {
  const declared = new Map(shown.map((app) => [app.slug, app]));
  const used = Map.groupBy(
    apps.filter(({ kind, name }) => kind === "app" && declared.has(name)),
    ({ name }) => name,
  );
  return [...used].map(([slug, uses]) => ({
    slug,
    display_name: declared.get(slug)!.displayName || slug,
    icon: declared.get(slug)!.icon,
    type: "app" as const,
    ...usageOf(uses),
  }));
}

function usageOf(uses: readonly AppUse[]) {
  return {
    template_ids: uses.map(({ templateId }) => templateId),
    seconds: uses.reduce((sum, { seconds }) => sum + seconds, 0),
    times_used: uses.reduce((sum, { timesUsed }) => sum + timesUsed, 0),
  };
}

function toParameters(rows: readonly ParameterUse[]) {
  return [...Map.groupBy(rows, ({ name, type }) => `${type} ${name}`).values()].map((uses) => {
    const { name, type, displayName, description, options } = uses[0]!;
    const values = Map.groupBy(uses, ({ value }) => value);
    return {
      template_ids: [...new Set(uses.map(({ templateId }) => templateId))],
      name,
      type,
      display_name: displayName,
      description,
      ...(Array.isArray(options) && options.length > 0 && { options: options as wire.RichParameterOption[] }),
      values: [...values]
        .map(([value, rows]) => ({ value, count: rows.reduce((sum, { count }) => sum + count, 0) }))
        .sort((a, b) => b.count - a.count),
    };
  });
}

export function toStatusCounts(counts: Awaited<ReturnType<Insights["statusCounts"]>>): wire.UserStatusCounts {
  return {
    status_counts: Object.fromEntries(
      Object.entries(counts).map(([status, days]) => [
        status,
        days.map(({ date, count }) => ({ date: date.toISOString(), count })),
      ]),
    ) as wire.UserStatusCounts["status_counts"],
  };
}

function scopeOf({ start_time, end_time }: Query, templateIds: readonly string[]) {
  return { start_time, end_time, template_ids: [...new Set(templateIds)] };
}

function toUser({ userId, username, avatarUrl, templateIds }: Omit<UserActivity, "seconds">) {
  return { user_id: userId, username, avatar_url: avatarUrl, template_ids: templateIds };
}
