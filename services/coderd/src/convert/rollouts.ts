import type * as wire from "@fleet/sdk";
import type { RolloutProgress } from "../rollouts/service.js";
import { nextStepAt, percentOf } from "../rollouts/status.js";
import type { RolloutRow } from "../rollouts/store.js";

export function toRollout(row: RolloutRow): wire.TemplateRollout {
  return {
    id: row.id,
    template_id: row.templateId,
    former_version_id: row.formerVersionId,
    former_version_name: row.formerVersionName,
    template_version_id: row.versionId,
    template_version_name: row.versionName,
    status: row.status,
    reason: row.reason,
    steps: row.steps,
    step: row.step,
    percent: percentOf(row),
    pause_ms: row.pauseMs,
    max_failure_percent: row.maxFailurePercent,
    min_samples: row.minSamples,
    step_started_at: row.stepStartedAt.toISOString(),
    next_step_at: nextStepAt(row)?.toISOString() ?? null,
    initiator_id: row.initiatorId,
    initiator_name: row.initiatorName,
    created_at: row.createdAt.toISOString(),
    ended_at: row.endedAt?.toISOString() ?? null,
  };
}

export function toRolloutProgress(progress: RolloutProgress): wire.RolloutProgress {
  const { row, workspaces, share, outcomes, waiting, failures } = progress;
  return {
    rollout: toRollout(row),
    workspaces,
    share,
    succeeded: outcomes.succeeded,
    failed: outcomes.build + outcomes.agent + outcomes.script,
    undecided: outcomes.undecided,
    waiting,
    failures: failures.map((one) => ({
      workspace_id: one.workspaceId,
      workspace_name: one.workspaceName,
      workspace_owner_name: one.ownerName,
      build_id: one.buildId,
      failure: one.failure,
      error: one.error,
    })),
  };
}
