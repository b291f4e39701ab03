import * as z from "zod";
import { BUILD_REASONS } from "../build-reasons.js";
import { Base64, Id, int, list, maybe, maybeId, Timestamp } from "../wire.js";
import { WorkspaceAgent } from "./agents.js";
import { MatchedProvisioners, ProvisionerJob } from "./provisioners.js";
import { NameValueInput } from "./templateversions.js";

export const Transition = z.enum(["start", "stop", "delete"]);
export type Transition = z.infer<typeof Transition>;

export const WorkspaceStatus = z.enum([
  "pending",
  "starting",
  "running",
  "stopping",
  "stopped",
  "failed",
  "canceling",
  "canceled",
  "deleting",
  "deleted",
]);
export type WorkspaceStatus = z.infer<typeof WorkspaceStatus>;

export const WorkspaceResource = z.object({
  id: Id,
  created_at: Timestamp,
  job_id: Id,
  workspace_transition: Transition,
  type: z.string(),
  name: z.string(),
  hide: z.boolean(),
  icon: z.string(),
  agents: z.array(WorkspaceAgent).optional(),
  metadata: z.array(z.object({ key: z.string(), value: z.string(), sensitive: z.boolean() })).optional(),
  daily_cost: z.number(),
});
export type WorkspaceResource = z.infer<typeof WorkspaceResource>;

/**
 * On the stop of a restart: the start that the server runs after it. `waiting` until the stop has ended; then `started`,
 * followed by `build_id`, or `dropped`, with the reason in `error`: the stop failed or was canceled, a later build took
 * the restart's place, or the start is no longer allowed.
 */
export const NextBuild = z.object({
  transition: z.literal("start"),
  status: z.enum(["waiting", "started", "dropped"]),
  template_version_id: Id,
  template_version_name: z.string(),
  build_id: Id.optional(),
  error: z.string().optional(),
});
export type NextBuild = z.infer<typeof NextBuild>;

export const WorkspaceBuild = z.object({
  id: Id,
  created_at: Timestamp,
  updated_at: Timestamp,
  workspace_id: Id,
  workspace_name: z.string(),
  workspace_owner_id: Id,
  workspace_owner_name: z.string(),
  workspace_owner_avatar_url: z.string().optional(),
  template_version_id: Id,
  template_version_name: z.string(),
  template_version_preset_id: Id.nullish(),
  build_number: z.number(),
  transition: Transition,
  initiator_id: Id,
  initiator_name: z.string(),
  job: ProvisionerJob,
  /** `initiator`, `autostart`, `autostop`, `dormancy`, `dashboard`, `cli`, `ssh_connection`, `vscode_connection` … */
  reason: z.string(),
  resources: z.array(WorkspaceResource),
  deadline: Timestamp.optional(),
  max_deadline: Timestamp.optional(),
  status: WorkspaceStatus,
  daily_cost: z.number(),
  matched_provisioners: MatchedProvisioners.optional(),
  has_ai_task: z.boolean().optional(),
  has_external_agent: z.boolean().optional(),
  /** Only on the stop of a restart. */
  next_build: NextBuild.optional(),
});
export type WorkspaceBuild = z.infer<typeof WorkspaceBuild>;

export const CreateBuildRequest = z.object({
  transition: Transition,
  template_version_id: maybeId,
  template_version_preset_id: maybeId,
  dry_run: maybe(z.boolean()),
  /** Terraform state to build from, base64 of its JSON. Requires permission to update the template. */
  state: maybe(Base64),
  /** With `delete`: forget the resources without destroying them. */
  orphan: maybe(z.boolean()),
  rich_parameter_values: maybe(list(NameValueInput)),
  /** `debug` requires permission to update the template: terraform's debug logs can contain secrets. */
  log_level: maybe(z.enum(["debug", ""])),
  /** The build's reason. Others, such as `autostart`, are reserved for the server. */
  reason: maybe(z.enum(["", ...BUILD_REASONS])),
  /**
   * With `start`: stop the workspace first, unless it is stopped. Everything about the start is checked before anything
   * stops. The response is the stop, whose `next_build` describes the start; the server runs it even if the client
   * disconnects. If the workspace is already stopped, the response is the start itself.
   */
  restart: maybe(z.boolean()),
  /**
   * The build may replace or destroy resources that keep data. Without it, a template's data loss policy fails such a
   * build before it changes anything.
   */
  accept_data_loss: maybe(z.boolean()),
});
export type CreateBuildRequest = z.input<typeof CreateBuildRequest>;

/** A Terraform state of a workspace. */
export const WorkspaceStateVersion = z.object({
  build_id: Id,
  build_number: z.number(),
  /** Counts the states of the build from 1. */
  version: z.number(),
  /** `build`: a build left it. `push`: a user stored it. `recovered`: a provisioner delivered it after it lost the build. */
  origin: z.enum(["build", "push", "recovered"]),
  author_id: Id.optional(),
  author_name: z.string().optional(),
  created_at: Timestamp,
  /** When another state of the build replaced it. */
  replaced_at: Timestamp.optional(),
  /** True for the state that the next build starts from. */
  current: z.boolean(),
  /** In bytes, as stored. Zero if it contains no resources. */
  size: z.number(),
});
export type WorkspaceStateVersion = z.infer<typeof WorkspaceStateVersion>;

export const UpdateStateRequest = z.object({
  state: Base64,
  /** Store it even if it is older than the current state or of another lineage. */
  force: maybe(z.boolean()),
  /** Fail with 409 unless the current state has this serial; 0 if it has none. */
  expected_serial: maybe(int(0, Number.MAX_SAFE_INTEGER)),
});
export type UpdateStateRequest = z.input<typeof UpdateStateRequest>;

export const BuildTimings = z.object({
  provisioner_timings: z.array(
    z.object({
      job_id: Id,
      started_at: Timestamp,
      ended_at: Timestamp,
      stage: z.string(),
      source: z.string(),
      action: z.string(),
      resource: z.string(),
    }),
  ),
  agent_script_timings: z.array(
    z.object({
      started_at: Timestamp,
      ended_at: Timestamp,
      exit_code: z.number(),
      stage: z.string(),
      status: z.string(),
      display_name: z.string(),
      workspace_agent_id: z.string(),
      workspace_agent_name: z.string(),
    }),
  ),
  agent_connection_timings: z.array(
    z.object({
      started_at: Timestamp,
      ended_at: Timestamp,
      stage: z.string(),
      workspace_agent_id: z.string(),
      workspace_agent_name: z.string(),
    }),
  ),
});
export type BuildTimings = z.infer<typeof BuildTimings>;
