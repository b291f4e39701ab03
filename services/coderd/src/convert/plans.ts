import type * as wire from "@fleet/sdk";
import type { PlanView } from "../plans/service.js";
import type { Survey, WorkspaceOutcome } from "../plans/survey.js";
import { toProvisionerJob } from "./jobs.js";

export function toPlan({ row, job }: PlanView): wire.WorkspacePlan {
  return {
    id: row.id,
    created_at: row.createdAt.toISOString(),
    workspace_id: row.workspaceId,
    template_version_id: row.templateVersionId,
    transition: row.transition,
    refresh: !row.skipRefresh,
    job: toProvisionerJob(job),
    ...(row.result ? { result: row.result } : {}),
  };
}

export function toWorkspacePlans({ versionId, total, workspaces }: Survey): wire.WorkspacePlans {
  const count = (outcome: WorkspaceOutcome) => workspaces.filter((one) => one.outcome === outcome).length;
  return {
    template_version_id: versionId,
    running: count("pending") > 0,
    total,
    counts: {
      pending: count("pending"),
      unchanged: count("unchanged"),
      changes: count("changes"),
      replaces: count("replaces"),
      loses_data: count("loses_data"),
      failed: count("failed"),
    },
    workspaces: workspaces.map(({ workspaceId, workspaceName, ownerName, outcome, addresses, error }) => ({
      workspace_id: workspaceId,
      workspace_name: workspaceName,
      workspace_owner_name: ownerName,
      outcome,
      addresses,
      ...(error === "" ? {} : { error }),
    })),
  };
}
