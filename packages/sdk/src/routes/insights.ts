import * as z from "zod";
import { route } from "../route.js";
import {
  DausResponse,
  InsightInterval,
  InsightSection,
  TemplateInsights,
  UserActivityInsights,
  UserLatencyInsights,
  UserStatusCounts,
} from "../types/index.js";
import { Instant, Name, queryIds, queryInt } from "../wire.js";

/** Where days begin: by time zone name, or by whole hours from UTC. */
export const zone = { timezone: Name.optional(), tz_offset: queryInt(-14, 14).optional() };
/** An empty list is all templates. */
const templateIds = z.preprocess((value) => (value === "" ? undefined : value), queryIds.optional());
const report = { start_time: Instant, end_time: Instant, template_ids: templateIds };
const access = { resource: "template", action: "view_insights" } as const;

export const insightRoutes = {
  insightsDaus: route({
    method: "GET",
    path: "/api/v2/insights/daus",
    summary: "Get daily active users.",
    access: { resource: "deployment_stats", action: "read" },
    query: z.object(zone),
    response: DausResponse,
  }),
  insightsUserActivity: route({
    method: "GET",
    path: "/api/v2/insights/user-activity",
    summary: "Get how long users used workspaces.",
    access,
    query: z.object(report),
    response: UserActivityInsights,
  }),
  insightsUserLatency: route({
    method: "GET",
    path: "/api/v2/insights/user-latency",
    summary: "Get the latencies of users' connections to workspaces.",
    access,
    query: z.object(report),
    response: UserLatencyInsights,
  }),
  insightsTemplates: route({
    method: "GET",
    path: "/api/v2/insights/templates",
    summary: "Get active users, app usage and parameter usage of templates.",
    access,
    query: z.object({
      ...report,
      interval: InsightInterval.optional(),
      /** Comma-separated; both if there is none. */
      sections: Name.transform((value) => value.split(",").filter((section) => section !== ""))
        .pipe(z.array(InsightSection))
        .optional(),
    }),
    response: TemplateInsights,
  }),
  insightsUserStatusCounts: route({
    method: "GET",
    path: "/api/v2/insights/user-status-counts",
    summary: "Get the number of users by status, for each of the last 60 days.",
    access: { resource: "user", action: "read" },
    query: z.object(zone),
    response: UserStatusCounts,
  }),
};
