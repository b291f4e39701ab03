import * as z from "zod";
import { int, Name, Timestamp } from "../wire.js";

/** Why a workspace keeps running. */
export const ActivityReason = z.object({
  kind: z.enum(["ssh", "vscode", "jetbrains", "reconnecting_pty", "app", "processes", "hold"]),
  /** The name of the hold. */
  name: z.string().optional(),
  /** When this was last reported; absent for a hold. */
  last_seen_at: Timestamp.optional(),
  /** When the hold ends. */
  until: Timestamp.optional(),
});
export type ActivityReason = z.infer<typeof ActivityReason>;

/** Why a running workspace keeps running, and when it stops if nothing else happens. */
export const WorkspaceActivity = z.object({
  /** Only what counts as activity in the workspace's template. */
  reasons: z.array(ActivityReason),
  /** Null if the workspace runs until somebody stops it. */
  stops_at: Timestamp.nullable(),
  /** `required_stop`: the template requires the stop, whatever happens until then. */
  stops_because: z.enum(["autostop", "required_stop"]).nullable(),
});
export type WorkspaceActivity = z.infer<typeof WorkspaceActivity>;

/** A job that was declared inside a workspace to keep it running. */
export const ActivityHold = z.object({
  name: z.string(),
  created_at: Timestamp,
  expires_at: Timestamp,
});
export type ActivityHold = z.infer<typeof ActivityHold>;

/** Declaring a hold again changes its end. */
export const ActivityHoldRequest = z.object({
  name: Name,
  /** At least a minute. The template limits it, and a required stop of the workspace does, too. */
  duration_ms: int(60_000, 365 * 24 * 3_600_000),
});
export type ActivityHoldRequest = z.infer<typeof ActivityHoldRequest>;

export const ActivityHolds = z.object({ holds: z.array(ActivityHold) });
export type ActivityHolds = z.infer<typeof ActivityHolds>;

export const UnpushedBranch = z.object({
  /** Empty for commits that no branch contains (a detached HEAD). */
  name: z.string(),
  commits: z.number().int(),
  has_upstream: z.boolean(),
});
export type UnpushedBranch = z.infer<typeof UnpushedBranch>;

export const UnpushedRepository = z.object({
  agent_name: z.string(),
  path: z.string(),
  /** Changed, added, deleted and untracked files. */
  changed_files: z.number().int(),
  stashes: z.number().int(),
  /** Branches with commits that no remote has, as far as the repository knows. */
  branches: z.array(UnpushedBranch),
  /** Stopping the workspace deletes it. */
  lost_on_stop: z.boolean(),
});
export type UnpushedRepository = z.infer<typeof UnpushedRepository>;

/** Git repositories with work that exists only in the workspace. */
export const UnpushedWork = z.object({
  /** Why there is no report: `template` or `user` turned the check off, or no agent has reported yet (`no_report`). */
  unavailable: z.enum(["template", "user", "no_report"]).optional(),
  /** When the agents last looked: the oldest of their reports. */
  collected_at: Timestamp.nullable(),
  /** False if a search reached one of its limits, so that there may be more. */
  complete: z.boolean(),
  repositories: z.array(UnpushedRepository),
});
export type UnpushedWork = z.infer<typeof UnpushedWork>;

/** Whether the agents of a user's workspaces look for unpushed work, where the template allows it. */
export const UnpushedWorkCheck = z.object({ enabled: z.boolean() });
export type UnpushedWorkCheck = z.infer<typeof UnpushedWorkCheck>;
