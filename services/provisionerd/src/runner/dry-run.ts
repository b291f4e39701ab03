import { create } from "@bufbuild/protobuf";
import {
  type CompleteJobRequest_TemplateDryRun,
  CompleteJobRequest_TemplateDryRunSchema,
  type Job_TemplateDryRun,
  MetadataSchema,
  Transition,
} from "@fleet/proto-gen/provisioner";
import type { JobContext } from "./context.js";

/** Plans a started workspace with the user's values, without creating anything. */
export async function runDryRun(
  { metadata, richParameterValues, variableValues, mockProviders, wantsPlan }: Job_TemplateDryRun,
  { session, updates, phase }: JobContext,
): Promise<CompleteJobRequest_TemplateDryRun> {
  updates.stage("Planning infrastructure");
  const { resources, preview } = await phase("plan", () =>
    session.plan({
      metadata: { ...(metadata ?? create(MetadataSchema)), transition: Transition.START },
      parameters: richParameterValues,
      previousParameters: [],
      variables: variableValues,
      externalAuth: [],
      mockProviders,
      withChanges: wantsPlan,
    }),
  );
  return create(CompleteJobRequest_TemplateDryRunSchema, {
    resources,
    ...(preview && { plan: preview.summary, dailyCost: preview.dailyCost }),
  });
}
