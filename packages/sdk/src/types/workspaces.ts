import * as z from "zod";
import {
  DurationMs,
  Id,
  Instant,
  int,
  Label,
  list,
  Milliseconds,
  maybe,
  maybeId,
  Name,
  Timestamp,
} from "../wire.js";
import { WorkspaceActivity } from "./activity.js";
import { WorkspaceBuild } from "./builds.js";
import { SharedWorkspaceActor } from "./sharing.js";
import { ShareLevel } from "./templates.js";
import { NameValueInput } from "./templateversions.js";

export const AutomaticUpdates = z.enum(["always", "never"]);
export type AutomaticUpdates = z.infer<typeof AutomaticUpdates>;

/** Builds of a workspace's schedule that have failed in a row, until one succeeds or a user builds the workspace. */
export const ScheduleFailure = z.object({
  failures: z.number(),
  /** Why the last one failed. */
  error: z.string(),
  /** When it is retried; null if only at its next scheduled time. */
  retry_at: Timestamp.nullable(),
});
export type ScheduleFailure = z.infer<typeof ScheduleFailure>;

export const Workspace = z.object({
  id: Id,
  created_at: Timestamp,
  updated_at: Timestamp,
  owner_id: Id,
  owner_name: z.string(),
  owner_avatar_url: z.string(),
  organization_id: Id,
  organization_name: z.string(),
  template_id: Id,
  template_name: z.string(),
  template_display_name: z.string(),
  template_icon: z.string(),
  template_allow_user_cancel_workspace_jobs: z.boolean(),
  template_active_version_id: Id,
  template_require_active_version: z.boolean(),
  /** The latest build's version was withdrawn: a rollout of it stopped or was aborted. */
  template_version_withdrawn: z.boolean().optional(),
  template_use_classic_parameter_flow: z.boolean().optional(),
  latest_build: WorkspaceBuild,
  latest_app_status: z.unknown().nullish(),
  outdated: z.boolean(),
  name: z.string(),
  autostart_schedule: z.string().optional(),
  ttl_ms: Milliseconds.nullish(),
  last_used_at: Timestamp,
  deleting_at: Timestamp.nullable(),
  dormant_at: Timestamp.nullable(),
  health: z.object({ healthy: z.boolean(), failing_agents: z.array(Id) }),
  automatic_updates: AutomaticUpdates,
  allow_renames: z.boolean(),
  favorite: z.boolean(),
  next_start_at: Timestamp.nullable(),
  schedule_failure: ScheduleFailure.optional(),
  is_prebuild: z.boolean().optional(),
  shared_with: z.array(SharedWorkspaceActor).optional(),
  /** Only of a running workspace. */
  activity: WorkspaceActivity.optional(),
});
export type Workspace = z.infer<typeof Workspace>;

/** Orders of the workspace list; a minus reverses one. */
const WORKSPACE_ORDERS = ["name", "owner", "template", "status", "last_used_at", "created_at"] as const;
export const WorkspaceSort = z.enum([
  ...WORKSPACE_ORDERS,
  ...WORKSPACE_ORDERS.map((order) => `-${order}` as const),
]);

export const WorkspacesResponse = z.object({ workspaces: z.array(Workspace), count: z.number() });
export type WorkspacesResponse = z.infer<typeof WorkspacesResponse>;

/** Exactly one of `template_id` and `template_version_id`. */
export const CreateWorkspaceRequest = z.object({
  template_id: maybeId,
  template_version_id: maybeId,
  name: Name,
  autostart_schedule: maybe(Label),
  ttl_ms: maybe(DurationMs),
  rich_parameter_values: maybe(list(NameValueInput)),
  automatic_updates: maybe(z.union([AutomaticUpdates, z.literal("")])),
  template_version_preset_id: maybeId,
});
export type CreateWorkspaceRequest = z.input<typeof CreateWorkspaceRequest>;

export const UpdateWorkspaceRequest = z.object({ name: maybe(Name) });
export type UpdateWorkspaceRequest = z.input<typeof UpdateWorkspaceRequest>;

/** Absent or blank: no autostart. */
export const UpdateAutostartRequest = z.object({ schedule: maybe(Label) });
export type UpdateAutostartRequest = z.input<typeof UpdateAutostartRequest>;

/** Null: the workspace never stops automatically. */
export const UpdateTtlRequest = z.object({ ttl_ms: DurationMs.nullish() });
export type UpdateTtlRequest = z.input<typeof UpdateTtlRequest>;

export const ExtendRequest = z.object({ deadline: Instant });
export type ExtendRequest = z.infer<typeof ExtendRequest>;

export const UpdateDormancyRequest = z.object({ dormant: z.boolean() });
export type UpdateDormancyRequest = z.infer<typeof UpdateDormancyRequest>;

export const UpdateAutomaticUpdatesRequest = z.object({ automatic_updates: AutomaticUpdates });
export type UpdateAutomaticUpdatesRequest = z.infer<typeof UpdateAutomaticUpdatesRequest>;

export const UsageRequest = z.object({
  agent_id: maybeId,
  app_name: maybe(z.enum(["vscode", "jetbrains", "ssh", "reconnecting-pty", ""])),
});
export type UsageRequest = z.input<typeof UsageRequest>;

export const ResolveAutostart = z.object({ parameter_mismatch: z.boolean() });
export type ResolveAutostart = z.infer<typeof ResolveAutostart>;

export const PortShare = z.object({
  workspace_id: Id,
  agent_name: z.string(),
  port: z.number().int(),
  share_level: ShareLevel,
  protocol: z.enum(["http", "https"]),
});
export type PortShare = z.infer<typeof PortShare>;

/** A port of an agent, as requests specify it. */
const portOfAgent = { agent_name: Name, port: int(1, 65_535) };

export const PortSharesResponse = z.object({ shares: z.array(PortShare) });
export type PortSharesResponse = z.infer<typeof PortSharesResponse>;

export const UpsertPortShareRequest = z.object({
  ...portOfAgent,
  share_level: ShareLevel,
  protocol: maybe(z.enum(["http", "https"])),
});
export type UpsertPortShareRequest = z.input<typeof UpsertPortShareRequest>;

export const DeletePortShareRequest = z.object(portOfAgent);
export type DeletePortShareRequest = z.infer<typeof DeletePortShareRequest>;

export const ExternalAgentCredentials = z.object({
  agent_token: z.string(),
  /** Starts the agent, in the shell of its operating system. */
  command: z.string(),
});
export type ExternalAgentCredentials = z.infer<typeof ExternalAgentCredentials>;
