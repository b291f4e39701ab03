import { FleetError } from "@fleet/base";
import { toActivity, toDaus, toLatency, toStatusCounts, toTemplateInsights } from "../../convert/insights.js";
import type { InsightQuery, Insights } from "../../insights/service.js";
import type { Zone } from "../../insights/spans.js";
import { isTimezone } from "../../schedules/cron.js";
import type { Templates } from "../../templates/service.js";
import type { Handlers } from "../handler.js";
import { requireDeployment } from "./debug.js";

export function createInsightHandlers({ insights, templates }: { insights: Insights; templates: Templates }) {
  return {
    insightsDaus: async ({ actor, query }) => {
      requireDeployment(actor, "read", "deployment_stats");
      return toDaus(await insights.dailyUsers(zoneOf(query)));
    },
    templateDaus: async ({ actor, params, query }) => {
      await templates.require(actor, "read", params.template);
      return toDaus(await insights.dailyUsers(zoneOf(query), params.template));
    },
    insightsUserActivity: async ({ actor, query }) =>
      toActivity(query, await insights.activity(actor, queryOf(query))),
    insightsUserLatency: async ({ actor, query }) =>
      toLatency(query, await insights.latency(actor, queryOf(query))),
    insightsTemplates: async ({ actor, query }) => {
      const { interval, sections = [] } = query;
      return toTemplateInsights(
        query,
        await insights.templates(actor, { ...queryOf(query), interval, sections }),
      );
    },
    insightsUserStatusCounts: async ({ actor, query }) => {
      requireDeployment(actor, "read", "user");
      return toStatusCounts(await insights.statusCounts(zoneOf(query)));
    },
  } satisfies Partial<Handlers>;
}

function zoneOf({ timezone, tz_offset: offsetHours }: { timezone?: string; tz_offset?: number }): Zone {
  if (timezone === undefined || timezone === "") return { offsetHours: offsetHours ?? 0 };
  if (isTimezone(timezone)) return { timezone };
  const detail = `"${timezone}" is not a time zone. Use a name such as Europe/Berlin.`;
  throw new FleetError("invalid_argument", detail, { validations: [{ field: "timezone", detail }] });
}

function queryOf(query: { start_time: string; end_time: string; template_ids?: string[] }): InsightQuery {
  return { start: query.start_time, end: query.end_time, templateIds: query.template_ids };
}
