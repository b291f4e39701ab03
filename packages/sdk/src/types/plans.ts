import * as z from "zod";
import { Id, int, list, maybe, maybeId, Timestamp } from "../wire.js";
import { Transition } from "./builds.js";
import { PolicyResult } from "./policies.js";
import { ProvisionerJob } from "./provisioners.js";
import { NameValueInput } from "./templateversions.js";

export const PlanAction = z.enum(["add", "change", "replace", "destroy", "forget"]);
export type PlanAction = z.infer<typeof PlanAction>;

/** A resource that a build would change. Values are never included, only the names of attributes. */
export const PlannedChange = z.object({
  address: z.string(),
  type: z.string(),
  action: PlanAction,
  /** The attributes that force a replacement, for example `disk[0].type`. */
  reasons: z.array(z.string()),
  /** The resource keeps data while the workspace is stopped, and the build would replace or destroy it. */
  loses_data: z.boolean(),
});
export type PlannedChange = z.infer<typeof PlannedChange>;

export const PlanChanges = z.object({
  add: z.number().int(),
  change: z.number().int(),
  replace: z.number().int(),
  destroy: z.number().int(),
  /** Those that lose data first, then in order of their addresses. */
  changes: z.array(PlannedChange),
  /** Resources that were changed or deleted outside of Terraform. */
  drift: z.array(z.object({ address: z.string(), type: z.string(), deleted: z.boolean() })),
  /** The plan is too large: changes beyond the limit are missing. */
  truncated: z.boolean(),
  /** Credits per day as of the latest build, and after this one. */
  daily_cost_before: z.number().int(),
  daily_cost: z.number().int(),
});
export type PlanChanges = z.infer<typeof PlanChanges>;

/** What a build would change. */
export const WorkspacePlan = z.object({
  id: Id,
  created_at: Timestamp,
  workspace_id: Id,
  template_version_id: Id,
  transition: Transition,
  refresh: z.boolean(),
  job: ProvisionerJob,
  /** Once the job has succeeded. */
  result: PlanChanges.optional(),
  /** How policies judge the build, once the job has succeeded. */
  policies: z.array(PolicyResult).optional(),
});
export type WorkspacePlan = z.infer<typeof WorkspacePlan>;

export const CreateWorkspacePlanRequest = z.object({
  transition: Transition,
  template_version_id: maybeId,
  template_version_preset_id: maybeId,
  rich_parameter_values: maybe(list(NameValueInput)),
  /** Ask providers for what exists, as a build does; false compares with the Terraform state only. Defaults to true. */
  refresh: maybe(z.boolean()),
});
export type CreateWorkspacePlanRequest = z.input<typeof CreateWorkspacePlanRequest>;

/** How many workspaces of the template one request plans at most. */
const MAX_PLANNED_WORKSPACES = 200;

export const PlanWorkspacesRequest = z.object({
  /** Number of workspaces to plan, most recently used first. Defaults to 50. */
  limit: maybe(int(1, MAX_PLANNED_WORKSPACES)),
});
export type PlanWorkspacesRequest = z.input<typeof PlanWorkspacesRequest>;

export const WorkspaceOutcome = z.enum([
  "pending",
  "unchanged",
  "changes",
  "replaces",
  "loses_data",
  "failed",
]);
export type WorkspaceOutcome = z.infer<typeof WorkspaceOutcome>;

/** What a version would change in the workspaces of its template. */
export const WorkspacePlans = z.object({
  template_version_id: Id,
  /** True until each workspace has been planned. */
  running: z.boolean(),
  /** Number of the template's workspaces, planned or not. */
  total: z.number().int(),
  /** Number of workspaces by outcome; each is counted under its worst. */
  counts: z.record(WorkspaceOutcome, z.number().int()),
  /** Worst first. */
  workspaces: z.array(
    z.object({
      workspace_id: Id,
      workspace_name: z.string(),
      workspace_owner_name: z.string(),
      outcome: WorkspaceOutcome,
      /** Addresses of the resources that lose data, or are replaced; at most ten. */
      addresses: z.array(z.string()),
      error: z.string().optional(),
    }),
  ),
});
export type WorkspacePlans = z.infer<typeof WorkspacePlans>;
