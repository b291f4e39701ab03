import { create } from "@bufbuild/protobuf";
import {
  type CompleteJobRequest_WorkspacePlan,
  CompleteJobRequest_WorkspacePlanSchema,
  type Job_WorkspacePlan,
} from "@fleet/proto-gen/provisioner";
import { planRequestOf } from "./build.js";
import type { JobContext } from "./context.js";
import { JobFailed } from "./failure.js";

/** Plans a build of an existing workspace, without changing anything. */
export async function runWorkspacePlan(
  { build, skipRefresh }: Job_WorkspacePlan,
  { session, updates, phase }: JobContext,
): Promise<CompleteJobRequest_WorkspacePlan> {
  if (!build)
    throw new JobFailed("The job has no build to plan. Upgrade coderd and provisionerd to the same version.");
  updates.stage("Planning infrastructure");
  const { summary, dailyCost } = await phase("plan", () =>
    session.preview({ ...planRequestOf(build), skipRefresh }),
  );
  return create(CompleteJobRequest_WorkspacePlanSchema, { plan: summary, dailyCost });
}
