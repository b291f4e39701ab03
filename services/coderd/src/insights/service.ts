import { type Clock, FleetError } from "@fleet/base";
import type { Actor } from "../auth/actor.js";
import { authorizer, requireUser } from "../auth/authorizer.js";
import { percentileOf } from "./latency.js";
import { DAY_MS, intervalsOf, lastDays, offsetHours, type Range, spansOf, type Zone } from "./spans.js";
import type {
  ActiveUsers,
  App,
  AppUse,
  ClientApp,
  InsightStore,
  ParameterUse,
  Templates,
  UserActivity,
} from "./store.js";

/** How templates are used. */
export type Insights = {
  /** Active users per day of the last 60, from the first day with one on; of one template, or of all. */
  dailyUsers(zone: Zone, templateId?: string): Promise<DailyUsers>;
  /** @throws not_found unless the actor may see the insights of every template that the query names. */
  activity(actor: Actor, query: InsightQuery): Promise<UserActivity[]>;
  /** Latencies of the users' connections, in milliseconds. @throws as `activity`. */
  latency(actor: Actor, query: InsightQuery): Promise<LatencyOfUser[]>;
  /** @throws as `activity`. */
  templates(
    actor: Actor,
    query: InsightQuery & { interval?: Interval | undefined; sections: readonly Section[] },
  ): Promise<TemplateReport>;
  /** Records that a client has a session with a workspace that its user may use. */
  sessionSeen(workspaceId: string, agentId: string | undefined, app: ClientApp): Promise<void>;
  /** Counts what was reported. Any number of replicas may do so at once. */
  count(): Promise<void>;
  /** Users by status at the end of each of the last 60 days. */
  statusCounts(zone: Zone): Promise<Record<UserStatus, { date: Date; count: number }[]>>;
};

export type InsightQuery = {
  /** RFC 3339, at midnight in its offset. */
  start: string;
  /** RFC 3339, at midnight or, for today, at a full hour. */
  end: string;
  /** All that the actor may see if there are none. */
  templateIds?: readonly string[] | undefined;
};
export type Interval = "day" | "week";
export type Section = "interval_reports" | "report";
export type DailyUsers = { entries: { date: string; amount: number }[]; offsetHours: number };
export type LatencyOfUser = Omit<UserActivity, "seconds"> & { p50: number; p95: number };
export type TemplateReport = {
  intervals?: (Range & { users: number; templateIds: string[] })[];
  report?: Omit<ActiveUsers, "range"> & { apps: AppUse[]; shown: App[]; parameters: ParameterUse[] };
};

const USER_STATUSES = ["active", "dormant", "suspended"] as const;
type UserStatus = (typeof USER_STATUSES)[number];

/** Of a client that does not say which one it is connected to. */
const NO_AGENT = "00000000-0000-0000-0000-000000000000";
/** Days of daily users and of counts by status. */
const DAYS = 60;
const HOUR_MS = 3_600_000;
/** The longest range of a report, as long as usage is kept. */
const MAX_DAYS = 3 * 366;
const LENGTH_MS: Record<Interval, number> = { day: DAY_MS, week: 7 * DAY_MS };
/** A week that is cut short by a change of the clock is one, too. */
const SHORTEST_MS: Record<Interval, number> = { day: 0, week: 6 * DAY_MS };

/** Counted minutes are those between an agent's reports. */
type InsightOptions = { store: InsightStore; clock: Clock; enabled: boolean; statsRefreshMs: number };

export function createInsights(options: InsightOptions): Insights {
  const { store, clock } = options;

  function requireEnabled(): void {
    if (options.enabled) return;
    throw new FleetError(
      "not_found",
      "Usage statistics are disabled in this deployment (CODER_STATS_COLLECTION_USAGE_STATS_ENABLE).",
    );
  }

  /** The templates of the report; undefined for all of them. */
  async function visible(actor: Actor, ids: readonly string[] | undefined): Promise<Templates> {
    const reach = authorizer.reach(requireUser(actor), "view_insights", "template");
    const wanted = ids && ids.length > 0 ? [...new Set(ids)] : undefined;
    if (!wanted && reach.everywhere && !reach.ids) return undefined;
    const found = await store.visible(reach, wanted);
    const missing = wanted
      ? found.length < wanted.length
      : found.length === 0 && reach.organizations.length === 0;
    if (missing && !(reach.everywhere && !wanted))
      throw new FleetError("not_found", "Template not found, or you do not have access to its insights.");
    return found;
  }

  /** What a report covers, once the query is checked. */
  async function scopeOf(actor: Actor, query: InsightQuery) {
    requireEnabled();
    const templates = await visible(actor, query.templateIds);
    const range = rangeOf(query, clock.now());
    return { templates, range, spans: spansOf([range]) };
  }

  return {
    async dailyUsers(zone, templateId) {
      requireEnabled();
      const days = lastDays(zone, clock.now(), DAYS);
      const found = await store.activeUsers(spansOf(days), templateId ? [templateId] : undefined);
      const users = new Map(found.map((day) => [day.range, day.users]));
      const entries = days.map(({ date }, index) => ({ date, amount: users.get(index) ?? 0 }));
      const first = entries.findIndex(({ amount }) => amount > 0);
      return { entries: first < 0 ? [] : entries.slice(first), offsetHours: offsetHours(zone, clock.now()) };
    },

    async activity(actor, query) {
      const { spans, templates } = await scopeOf(actor, query);
      return store.activity(spans, templates);
    },

    async latency(actor, query) {
      const { spans, templates } = await scopeOf(actor, query);
      const rows = await store.latencies(spans, templates);
      return [...Map.groupBy(rows, ({ userId }) => userId).values()].map((buckets) => ({
        userId: buckets[0]!.userId,
        username: buckets[0]!.username,
        avatarUrl: buckets[0]!.avatarUrl,
        templateIds: [...new Set(buckets.flatMap(({ templateIds }) => templateIds))],
        p50: percentileOf(buckets, 0.5),
        p95: percentileOf(buckets, 0.95),
      }));
    },

    async templates(actor, { interval, sections, ...query }) {
      const { spans, templates, range } = await scopeOf(actor, query);
      const wanted = (section: Section) => sections.length === 0 || sections.includes(section);
      if (interval && range.to.getTime() - range.from.getTime() < SHORTEST_MS[interval])
        throw invalid("interval", "A weekly report needs a range of at least 6 days.");
      const intervals = interval && wanted("interval_reports") ? await intervalReports(interval) : undefined;
      return { ...(intervals && { intervals }), ...(wanted("report") && { report: await report() }) };

      async function intervalReports(length: Interval) {
        const parts = intervalsOf(range, LENGTH_MS[length], range.clockChangeMs);
        const found = await store.activeUsers(spansOf(parts), templates);
        const byPart = new Map(found.map((part) => [part.range, part]));
        return parts.map((part, index) => ({
          ...part,
          users: byPart.get(index)?.users ?? 0,
          templateIds: byPart.get(index)?.templateIds ?? [],
        }));
      }

      async function report() {
        const [[active], apps, parameters] = await Promise.all([
          store.activeUsers(spans, templates),
          store.apps(spans, templates),
          store.parameters(range, templates),
        ]);
        const shown = await store.shown(apps.filter(({ kind }) => kind === "app"));
        return { users: active?.users ?? 0, templateIds: active?.templateIds ?? [], apps, shown, parameters };
      }
    },

    async sessionSeen(workspaceId, agentId, app) {
      if (options.enabled) await store.addSession(workspaceId, agentId ?? NO_AGENT, app, clock.now());
    },

    count: () => store.count(options.statsRefreshMs),

    async statusCounts(zone) {
      const days = lastDays(zone, clock.now(), DAYS);
      const changes = await store.statusChanges(days.map(({ to }) => to));
      return Object.fromEntries(
        USER_STATUSES.map((status) => {
          const own = changes.filter((change) => change.status === status);
          const until = (day: number) =>
            own.reduce((sum, change) => sum + (change.day <= day ? change.change : 0), 0);
          return [status, days.map(({ from }, day) => ({ date: from, count: until(day) }))];
        }),
      ) as Record<UserStatus, { date: Date; count: number }[]>;
    },
  };
}

/** By how much local time was set forward within the range: the two times say their offsets. */
type CheckedRange = Range & { clockChangeMs: number };

function rangeOf({ start, end }: InsightQuery, now: Date): CheckedRange {
  const [from, to] = [new Date(start), new Date(end)];
  const [fromOffset, toOffset] = [offsetMsOf(start), offsetMsOf(end)];
  if (to <= from) throw invalid("end_time", "Must be later than start_time.");
  if (to.getTime() - from.getTime() > MAX_DAYS * DAY_MS)
    throw invalid("end_time", `A report covers at most ${MAX_DAYS} days.`);
  if ((from.getTime() + fromOffset) % DAY_MS !== 0)
    throw invalid("start_time", "Must be midnight, for example 2030-01-31T00:00:00+01:00.");
  const nextHour = Math.ceil((now.getTime() + toOffset) / HOUR_MS) * HOUR_MS - toOffset;
  const nextDay = (Math.floor((now.getTime() + toOffset) / DAY_MS) + 1) * DAY_MS - toOffset;
  const isToday = to.getTime() > nextDay - DAY_MS;
  if (to.getTime() > Math.max(nextHour, nextDay)) throw invalid("end_time", "Must not be in the future.");
  if ((to.getTime() + toOffset) % (isToday ? HOUR_MS : DAY_MS) !== 0)
    throw invalid("end_time", "Must be midnight or, for a report that includes today, a full hour.");
  return { from, to, clockChangeMs: toOffset - fromOffset };
}

function offsetMsOf(text: string): number {
  const [, sign, hours, minutes] = /([+-])(\d\d):(\d\d)$/.exec(text) ?? [];
  return hours ? (sign === "-" ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000 : 0;
}

function invalid(field: string, detail: string): FleetError {
  return new FleetError("invalid_argument", `${field}: ${detail}`, { validations: [{ field, detail }] });
}
