import * as z from "zod";
import { Id, Timestamp } from "../wire.js";
import { RichParameterOption } from "./templateversions.js";

/** Active users by day. */
export const DausResponse = z.object({
  entries: z.array(z.object({ date: z.string(), amount: z.number() })),
  tz_hour_offset: z.number(),
});
export type DausResponse = z.infer<typeof DausResponse>;

const scope = { start_time: Timestamp, end_time: Timestamp, template_ids: z.array(Id) };
const user = { user_id: Id, username: z.string(), avatar_url: z.string(), template_ids: z.array(Id) };

export const UserActivityInsights = z.object({
  report: z.object({
    ...scope,
    /** The most active first; at most 10,000. */
    users: z.array(z.object({ ...user, seconds: z.number() })),
  }),
});
export type UserActivityInsights = z.infer<typeof UserActivityInsights>;

export const UserLatencyInsights = z.object({
  report: z.object({
    ...scope,
    users: z.array(z.object({ ...user, latency_ms: z.object({ p50: z.number(), p95: z.number() }) })),
  }),
});
export type UserLatencyInsights = z.infer<typeof UserLatencyInsights>;

export const InsightInterval = z.enum(["day", "week"]);
export const InsightSection = z.enum(["report", "interval_reports"]);

export const TemplateInsights = z.object({
  report: z
    .object({
      ...scope,
      active_users: z.number(),
      apps_usage: z.array(
        z.object({
          template_ids: z.array(Id),
          /** builtin for kinds of sessions, otherwise app. */
          type: z.enum(["builtin", "app"]),
          display_name: z.string(),
          slug: z.string(),
          icon: z.string(),
          /** Summed over users, in whole minutes. */
          seconds: z.number(),
          times_used: z.number(),
        }),
      ),
      parameters_usage: z.array(
        z.object({
          template_ids: z.array(Id),
          display_name: z.string(),
          name: z.string(),
          type: z.string(),
          description: z.string(),
          options: z.array(RichParameterOption).optional(),
          /** The most frequent first; at most 100 of each template. */
          values: z.array(z.object({ value: z.string(), count: z.number() })),
        }),
      ),
    })
    .optional(),
  interval_reports: z
    .array(z.object({ ...scope, interval: InsightInterval, active_users: z.number() }))
    .optional(),
});
export type TemplateInsights = z.infer<typeof TemplateInsights>;

export const UserStatusCounts = z.object({
  /** By status: at the end of each day, which `date` is the beginning of. */
  status_counts: z.record(
    z.enum(["active", "dormant", "suspended"]),
    z.array(z.object({ date: Timestamp, count: z.number() })),
  ),
});
export type UserStatusCounts = z.infer<typeof UserStatusCounts>;
