import { create } from "@bufbuild/protobuf";
import {
  type CompleteJobRequest_WorkspaceBuild,
  CompleteJobRequest_WorkspaceBuildSchema,
  type Job_WorkspaceBuild,
  LogLevel,
  LogSource,
  type Metadata,
  MetadataSchema,
  Transition,
} from "@fleet/proto-gen/provisioner";
import type { PlanRequest, PlanSummaryInit } from "@fleet/provisionersdk";
import { untilAnswered } from "../patience.js";
import type { JobContext } from "./context.js";
import { JobFailed } from "./failure.js";

/** The largest cost that the contract can express. */
const INT32_MAX = 2_147_483_647;

const APPLY_STAGES: Record<Transition, string> = {
  [Transition.UNSPECIFIED]: "Applying",
  [Transition.START]: "Starting workspace",
  [Transition.STOP]: "Stopping workspace",
  [Transition.DELETE]: "Deleting workspace",
};

/**
 * plan → quota → apply. If nothing can have a cost, plan and apply are one step. coderd is asked before every apply: until
 * then nothing has changed, so if this daemon dies, another one may run the build again.
 */
export async function runBuild(
  build: Job_WorkspaceBuild,
  { job, daemonId, client, clock, session, stop, journal, updates, mask, phase }: JobContext,
): Promise<CompleteJobRequest_WorkspaceBuild> {
  const request = planRequestOf(build);
  const { metadata } = request;

  updates.stage("Planning infrastructure");
  const priced = session.mayCost && metadata.transition !== Transition.DELETE;
  const decides = priced || build.wantsPlan;
  const { dailyCost, summary } = decides
    ? await phase("plan", () => plan(request, build.wantsPlan))
    : { dailyCost: 0, summary: undefined };
  if (!decides) await phase("init", () => session.init(request));
  const commit = (signal: AbortSignal) =>
    client.commitQuota(
      {
        jobId: job.id,
        daemonId,
        dailyCost: priced ? Math.min(dailyCost, INT32_MAX) : 0,
        ...(summary && { plan: summary }),
      },
      { signal },
    );
  const quota = await phase("quota", () => untilAnswered(commit, { clock, signal: stop.graceful }));
  if (!quota.ok) {
    throw new JobFailed(
      `Insufficient quota: this workspace would cost ${dailyCost} credits per day, and its owner's other workspaces use ${quota.creditsConsumed} of the budget of ${quota.budget}. Stop or delete another workspace, or ask an administrator to raise the quota allowance of one of the owner's groups.`,
      { errorCode: "INSUFFICIENT_QUOTA" },
    );
  }

  for (const warning of quota.warnings) {
    updates.log(LogLevel.WARN, `Warning: ${warning}`, LogSource.PROVISIONER_DAEMON);
  }

  const begin = () => updates.stage(APPLY_STAGES[metadata.transition]);
  if (decides) begin();
  const common = { jobId: job.id, daemonId };
  if (session.stateFile) await journal.begin(job.id, session.stateFile);
  stop.beginChanges();
  const applied = await phase("apply", () => session.apply(request, decides ? undefined : begin));
  const { resources } = applied;
  if (applied.error !== undefined) {
    const { state } = applied;
    await journal.report(job.id, {
      case: "fail",
      value: { ...common, error: mask.apply(applied.error), state, resources },
    });
    throw new JobFailed(applied.error, { ...(state ? { state } : {}), resources });
  }
  const value = create(CompleteJobRequest_WorkspaceBuildSchema, { state: applied.state, resources });
  const type = { case: "workspaceBuild" as const, value };
  await journal.report(job.id, { case: "complete", value: { ...common, type } });
  return value;

  async function plan(
    request: PlanRequest,
    withChanges: boolean,
  ): Promise<{ dailyCost: number; summary: PlanSummaryInit | undefined }> {
    if (withChanges) return session.preview(request);
    return { dailyCost: await session.price(request), summary: undefined };
  }
}

/** What a build is planned with. */
export function planRequestOf(build: Job_WorkspaceBuild): PlanRequest & { metadata: Metadata } {
  return {
    metadata: build.metadata ?? create(MetadataSchema),
    parameters: build.richParameterValues,
    previousParameters: build.previousParameterValues,
    variables: build.variableValues,
    externalAuth: build.externalAuthTokens,
    userSecrets: build.userSecrets,
  };
}
