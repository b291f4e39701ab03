import type * as wire from "@fleet/sdk";
import type { PlanView } from "../plans/service.js";
import type { Survey, WorkspaceOutcome } from "../plans/survey.js";
import type { PolicyResultRow } from "../policies/judge-store.js";
import { toProvisionerJob } from "./jobs.js";
import { toPolicyResult } from "./policies.js";

/** `judged` is how policies judge the build, once it is planned. */
export function toPlan({ row, job }: PlanView, judged?: readonly PolicyResultRow[]): wire.WorkspacePlan {
  return {
    id: row.id,
    created_at: row.createdAt.toISOString(),
    workspace_id: row.workspaceId,
    template_version_id: row.templateVersionId,
    transition: row.transition,
    refresh: !row.skipRefresh,
    job: toProvisionerJob(job),
    ...(row.result ? { result: row.result } : {}),
    ...(judged ? { policies: judged.map(toPolicyResult) } : {}),
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
