import { type Clock, createCachedValue } from "@fleet/base";
import type { Registry } from "prom-client";
import { spansOf } from "../insights/spans.js";
import type { InsightStore } from "../insights/store.js";
import { gaugesOn } from "./deployment.js";

/** How long what was read is reused: it changes slowly, and covers a day. */
const CACHE_MS = 5 * 60_000;
const WINDOW_MS = 24 * 3_600_000;

export type InsightMetricsOptions = {
  registry: Registry;
  store: Pick<InsightStore, "usersOfTemplates" | "apps" | "shown" | "parameters" | "templateNames">;
  clock: Clock;
};

/** Gauges of the last 24 hours under upstream's names. */
export function registerInsightMetrics({ registry, store, clock }: InsightMetricsOptions): void {
  const gauge = gaugesOn(registry);
  const read = createCachedValue(clock, CACHE_MS, async () => {
    const to = clock.now();
    const range = { from: new Date(to.getTime() - WINDOW_MS), to };
    const spans = spansOf([range]);
    const [users, apps, parameters] = await Promise.all([
      store.usersOfTemplates(spans),
      store.apps(spans, undefined),
      store.parameters(range, undefined),
    ]);
    const rows = [...users, ...apps, ...parameters];
    const names = await store.templateNames([...new Set(rows.map(({ templateId }) => templateId))]);
    const shown = new Map((await store.shown(apps)).map((app) => [app.slug, app.displayName]));
    return { users, apps, parameters, shown, nameOf: (id: string) => names.get(id) ?? id };
  });

  gauge(
    "coderd_insights_templates_active_users",
    "Users of a template's workspaces within the last day.",
    ["template_name"],
    async () => {
      const { users, nameOf } = await read();
      return users.map((row) => ({ labels: { template_name: nameOf(row.templateId) }, value: row.users }));
    },
  );
  gauge(
    "coderd_insights_applications_usage_seconds",
    "How long users used apps and kinds of sessions within the last day.",
    ["template_name", "application_name", "slug"],
    async () => {
      const { apps, shown, nameOf } = await read();
      return apps
        .filter(({ kind, name }) => kind === "session" || shown.has(name))
        .map(({ kind, name, templateId, seconds }) => ({
          labels: {
            template_name: nameOf(templateId),
            application_name: (kind === "app" && shown.get(name)) || name,
            slug: name,
          },
          value: seconds,
        }));
    },
  );
  gauge(
    "coderd_insights_parameters",
    "Workspaces started within the last day, by the values of their parameters.",
    ["template_name", "parameter_name", "parameter_type", "parameter_value"],
    async () => {
      const { parameters, nameOf } = await read();
      return parameters.map((row) => ({
        labels: {
          template_name: nameOf(row.templateId),
          parameter_name: row.name,
          parameter_type: row.type,
          parameter_value: row.value,
        },
        value: row.count,
      }));
    },
  );
}
