import * as z from "zod";
import {
  Description,
  DurationMs,
  Id,
  INT4_MAX,
  int,
  Label,
  list,
  Milliseconds,
  maybe,
  Name,
  Timestamp,
  Url,
} from "../wire.js";

/** How far a workspace's port may be shared. */
export const ShareLevel = z.enum(["owner", "authenticated", "organization", "public"]);
export type ShareLevel = z.infer<typeof ShareLevel>;

export const AutostopRequirement = z.object({
  /** `saturday`, `sunday` … , or all seven for daily; empty for none. */
  days_of_week: z.array(z.string()),
  /** Every how many weeks, 1–16. */
  weeks: z.number().int(),
});
export type AutostopRequirement = z.infer<typeof AutostopRequirement>;

/** The days on which autostart is allowed. */
export const AutostartRequirement = z.object({ days_of_week: z.array(z.string()) });
export type AutostartRequirement = z.infer<typeof AutostartRequirement>;

/** Build times in milliseconds; null if nothing was built. */
export const TransitionStats = z.object({ P50: z.number().nullish(), P95: z.number().nullish() });
export type TransitionStats = z.infer<typeof TransitionStats>;

/** Who handles CORS for apps: the platform, for apps of the same user only, or each app itself. */
export const CorsBehavior = z.enum(["simple", "passthru"]);
export type CorsBehavior = z.infer<typeof CorsBehavior>;

/**
 * Builds that would replace or destroy resources that keep data: `off` runs them, `ask` only if the user accepts it, and
 * `deny` only if a template administrator accepts it.
 */
export const DataLossPolicy = z.enum(["off", "ask", "deny"]);
export type DataLossPolicy = z.infer<typeof DataLossPolicy>;

/**
 * What keeps a workspace running: `sessions` (SSH, editors, web terminals), requests to `apps`, `processes` that use the
 * CPU, and the `holds` that users declare with `coder activity hold`.
 */
export const ActivityKind = z.enum(["sessions", "apps", "processes", "holds"]);
export type ActivityKind = z.infer<typeof ActivityKind>;

/** Connections that start a stopped workspace: `ssh` by the command line or an editor, requests to `apps`. */
export const WakeTrigger = z.enum(["ssh", "apps"]);
export type WakeTrigger = z.infer<typeof WakeTrigger>;

export const Template = z.object({
  id: Id,
  created_at: Timestamp,
  updated_at: Timestamp,
  organization_id: Id,
  organization_name: z.string(),
  organization_display_name: z.string(),
  organization_icon: z.string(),
  name: z.string(),
  display_name: z.string(),
  provisioner: z.string(),
  active_version_id: Id,
  /** -1 if unknown. */
  active_user_count: z.number(),
  build_time_stats: z.record(z.string(), TransitionStats),
  description: z.string(),
  deprecated: z.boolean(),
  deprecation_message: z.string(),
  icon: z.string(),
  default_ttl_ms: Milliseconds,
  activity_bump_ms: Milliseconds,
  autostop_requirement: AutostopRequirement,
  autostart_requirement: AutostartRequirement,
  created_by_id: Id,
  created_by_name: z.string(),
  allow_user_autostart: z.boolean(),
  allow_user_autostop: z.boolean(),
  allow_user_cancel_workspace_jobs: z.boolean(),
  failure_ttl_ms: Milliseconds,
  time_til_dormant_ms: Milliseconds,
  time_til_dormant_autodelete_ms: Milliseconds,
  require_active_version: z.boolean(),
  max_port_share_level: ShareLevel,
  use_classic_parameter_flow: z.boolean().optional(),
  cors_behavior: CorsBehavior.optional(),
  data_loss_policy: DataLossPolicy.optional(),
  activity_kinds: z.array(ActivityKind).optional(),
  /** Sessions and apps count only while their users send something, not while a connection is merely open. */
  activity_requires_input: z.boolean().optional(),
  /** The CPU usage from which on processes count, in percent of one core. */
  activity_cpu_percent: z.number().int().optional(),
  /** The longest hold that a user may declare. */
  activity_max_hold_ms: Milliseconds.optional(),
  wake_on: z.array(WakeTrigger).optional(),
  /** Agents look for uncommitted and unpushed work in git repositories, unless their user has turned that off. */
  check_unpushed_work: z.boolean().optional(),
});
export type Template = z.infer<typeof Template>;

/** Of the largest machines that a threshold makes sense for: 64 busy cores. */
const MAX_CPU_PERCENT = 6_400;

/** A list in a request that may be null. */
const days = list(Name)
  .nullish()
  .transform((list) => list ?? []);

const policy = {
  display_name: maybe(Label),
  description: maybe(Description),
  icon: maybe(Url),
  default_ttl_ms: maybe(DurationMs),
  activity_bump_ms: maybe(DurationMs),
  autostop_requirement: maybe(z.object({ days_of_week: days, weeks: int(0, INT4_MAX) })),
  autostart_requirement: maybe(z.object({ days_of_week: days })),
  allow_user_cancel_workspace_jobs: maybe(z.boolean()),
  allow_user_autostart: maybe(z.boolean()),
  allow_user_autostop: maybe(z.boolean()),
  failure_ttl_ms: maybe(DurationMs),
  disable_everyone_group_access: maybe(z.boolean()),
  require_active_version: maybe(z.boolean()),
  max_port_share_level: maybe(ShareLevel),
  use_classic_parameter_flow: maybe(z.boolean()),
  cors_behavior: maybe(CorsBehavior),
  data_loss_policy: maybe(DataLossPolicy),
  activity_kinds: maybe(list(ActivityKind)),
  activity_requires_input: maybe(z.boolean()),
  activity_cpu_percent: maybe(int(1, MAX_CPU_PERCENT)),
  activity_max_hold_ms: maybe(DurationMs),
  wake_on: maybe(list(WakeTrigger)),
  check_unpushed_work: maybe(z.boolean()),
};

/** Only here, the dormancy times are named `dormant_ttl_ms` and `delete_ttl_ms`. */
export const CreateTemplateRequest = z.object({
  ...policy,
  name: Name,
  template_version_id: Id,
  dormant_ttl_ms: maybe(DurationMs),
  delete_ttl_ms: maybe(DurationMs),
});
export type CreateTemplateRequest = z.input<typeof CreateTemplateRequest>;

export const UpdateTemplateRequest = z.object({
  ...policy,
  name: maybe(Name),
  time_til_dormant_ms: maybe(DurationMs),
  time_til_dormant_autodelete_ms: maybe(DurationMs),
  update_workspace_last_used_at: maybe(z.boolean()),
  update_workspace_dormant_at: maybe(z.boolean()),
  deprecation_message: maybe(Description),
});
export type UpdateTemplateRequest = z.input<typeof UpdateTemplateRequest>;

export const PromoteVersionRequest = z.object({ id: Id });
export type PromoteVersionRequest = z.infer<typeof PromoteVersionRequest>;

/** `all`: every unused version; otherwise only failed ones. */
export const ArchiveVersionsRequest = z.object({ all: maybe(z.boolean()) });
export type ArchiveVersionsRequest = z.input<typeof ArchiveVersionsRequest>;

export const ArchiveVersionsResponse = z.object({ template_id: Id, archived_ids: z.array(Id) });
export type ArchiveVersionsResponse = z.infer<typeof ArchiveVersionsResponse>;

export const TemplateExample = z.object({
  id: z.string(),
  url: z.string(),
  name: z.string(),
  description: z.string(),
  icon: z.string(),
  tags: z.array(z.string()),
  markdown: z.string(),
});
export type TemplateExample = z.infer<typeof TemplateExample>;

export const UploadResponse = z.object({
  /** The file's id: a UUID, despite its name. */
  hash: Id,
});
export type UploadResponse = z.infer<typeof UploadResponse>;

export const TemplateRole = z.enum(["admin", "use", ""]);
export type TemplateRole = z.infer<typeof TemplateRole>;
