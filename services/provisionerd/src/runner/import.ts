import { create } from "@bufbuild/protobuf";
import {
  type CompleteJobRequest_TemplateImport,
  CompleteJobRequest_TemplateImportSchema,
  type Job_TemplateImport,
  MetadataSchema,
  Transition,
} from "@fleet/proto-gen/provisioner";
import type { PlanRequest, TemplateVariableInit, VariableValueInit } from "@fleet/provisionersdk";
import type { JobContext } from "./context.js";
import { JobFailed } from "./failure.js";

/** parse → template variables → plans of a started and a stopped workspace → what builds can reuse. */
export async function runImport(
  { metadata, userVariableValues }: Job_TemplateImport,
  { session, updates, mask, stop, phase }: JobContext,
): Promise<CompleteJobRequest_TemplateImport> {
  updates.stage("Parsing template parameters");
  const { variables, readme } = await phase("parse", () => session.parse());
  const answered = await updates.ask(variables, readme, stop.graceful);
  const sensitive = new Set(variables.filter((variable) => variable.sensitive).map(({ name }) => name));
  mask.add(
    variables.flatMap(({ name, defaultValue }) =>
      sensitive.has(name) && defaultValue ? [defaultValue] : [],
    ),
  );
  mask.add(answered.flatMap(({ name, value }) => (sensitive.has(name) ? [value] : [])));
  const values = answered.length > 0 ? answered : userVariableValues;
  refuseMissing(variables, values);

  const plan = (transition: Transition) => {
    const request: PlanRequest = {
      metadata: { ...(metadata ?? create(MetadataSchema)), transition },
      parameters: [],
      previousParameters: [],
      variables: values,
      externalAuth: [],
    };
    return session.plan(request);
  };
  updates.stage("Detecting persistent resources");
  const stopped = await phase("plan", () => plan(Transition.STOP));
  updates.stage("Detecting ephemeral resources");
  const started = await phase("plan", () => plan(Transition.START));
  const prepared = await phase("prepare", () => session.prepare());

  return create(CompleteJobRequest_TemplateImportSchema, {
    startResources: started.resources,
    stopResources: stopped.resources,
    richParameters: started.parameters,
    presets: started.presets,
    externalAuthProviders: started.externalAuthProviders,
    templateVariables: variables,
    workspaceTags: started.workspaceTags,
    readme,
    prepared,
  });
}

function refuseMissing(
  variables: readonly TemplateVariableInit[],
  values: readonly VariableValueInit[],
): void {
  const given = new Set(values.map((value) => value.name));
  const missing = variables
    .filter((variable) => variable.required && !given.has(variable.name))
    .map((variable) => variable.name);
  if (missing.length === 0) return;
  throw new JobFailed(
    `The template needs a value for ${missing.map((name) => `"${name}"`).join(", ")}. Set it with --variable NAME=VALUE, or add a default to the template.`,
    { errorCode: "REQUIRED_TEMPLATE_VARIABLES" },
  );
}
