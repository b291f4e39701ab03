import * as z from "zod";
import { Id, int, list, maybe, Timestamp } from "../wire.js";

export const RolloutStatus = z.enum(["running", "paused", "stopped", "finished", "aborted", "superseded"]);
export type RolloutStatus = z.infer<typeof RolloutStatus>;

/** The promotion of a version to a growing share of its template's workspaces. */
export const TemplateRollout = z.object({
  id: Id,
  template_id: Id,
  /** The version that the other workspaces keep. */
  former_version_id: Id,
  former_version_name: z.string(),
  template_version_id: Id,
  template_version_name: z.string(),
  status: RolloutStatus,
  /** Why it was stopped, aborted or superseded; empty otherwise. */
  reason: z.string(),
  /** Percent of the workspaces, ascending. */
  steps: z.array(z.number().int()),
  /** Position of the current step, from 0. */
  step: z.number().int(),
  /** The share for which the version is active: that of the current step; 0 once stopped or aborted. */
  percent: z.number().int(),
  pause_ms: z.number().int(),
  /** It stops if more than this share of the workspaces that took the version failed. */
  max_failure_percent: z.number().int(),
  /** Number of workspaces that must have taken the version, successfully or not, before it can stop. */
  min_samples: z.number().int(),
  step_started_at: Timestamp,
  /** When the next step is due; null if it is not running, or if its last step is below 100 percent. */
  next_step_at: Timestamp.nullable(),
  initiator_id: Id,
  initiator_name: z.string(),
  created_at: Timestamp,
  ended_at: Timestamp.nullable(),
});
export type TemplateRollout = z.infer<typeof TemplateRollout>;

export const RolloutFailure = z.enum(["build", "agent", "script"]);
export type RolloutFailure = z.infer<typeof RolloutFailure>;

/** How the workspaces fare that took the version since the rollout began or was resumed. */
export const RolloutProgress = z.object({
  rollout: TemplateRollout,
  /** Number of the template's workspaces, and of those for which the version is active. */
  workspaces: z.number().int(),
  share: z.number().int(),
  succeeded: z.number().int(),
  failed: z.number().int(),
  /** Builds that are under way, and agents that have not connected or whose start scripts run. */
  undecided: z.number().int(),
  /** Why the next step does not begin although it is due; empty otherwise. */
  waiting: z.string(),
  /** The first failures, latest first. */
  failures: z.array(
    z.object({
      workspace_id: Id,
      workspace_name: z.string(),
      workspace_owner_name: z.string(),
      build_id: Id,
      /** The build failed, an agent did not connect in time, or its start script failed. */
      failure: RolloutFailure,
      error: z.string(),
    }),
  ),
});
export type RolloutProgress = z.infer<typeof RolloutProgress>;

const MAX_STEPS = 20;
const MAX_PAUSE_MS = 30 * 24 * 3_600_000;

export const CreateRolloutRequest = z.object({
  template_version_id: Id,
  /** Percent of the workspaces, ascending. Below 100, the last step lasts until the rollout is finished or aborted. */
  steps: list(int(1, 100), MAX_STEPS),
  /** How long each step lasts at least. Defaults to 30 minutes. */
  pause_ms: maybe(int(0, MAX_PAUSE_MS)),
  /** Defaults to 20. */
  max_failure_percent: maybe(int(0, 100)),
  /** Defaults to 3. */
  min_samples: maybe(int(1, 10_000)),
});
export type CreateRolloutRequest = z.input<typeof CreateRolloutRequest>;
