import { Transition } from "@fleet/proto-gen/provisioner";
import {
  externalAuthProvidersOf,
  instancesOfPlan,
  type PlanRequest,
  type PlanResult,
  parametersOf,
  parseGraph,
  presetsOf,
  resourcesOf,
  workspaceTagsOf,
} from "@fleet/provisionersdk";
import { PLAN_FILE, type TerraformJob } from "./job.js";
import { captureOf, runUi, withProvider } from "./run.js";

/** terraform plan, and what it would lead to. The plan stays in the folder for `apply`. */
export async function plan(
  job: TerraformJob,
  request: PlanRequest,
  graph: () => Promise<string>,
): Promise<PlanResult> {
  const destroy = request.metadata.transition === Transition.DELETE ? ["-destroy"] : [];
  const shown = await withProvider(job, request, async (env) => {
    const args = ["plan", "-json", "-input=false", "-no-color", `-out=${PLAN_FILE}`, ...destroy];
    await runUi(job, { stage: "plan", args, env });
    return captureOf(job, ["show", "-json", "-no-color", PLAN_FILE], env);
  });
  const instances = instancesOfPlan(new TextEncoder().encode(shown));
  const resources = resourcesOf(instances, parseGraph(await graph()));
  return {
    resources,
    parameters: parametersOf(instances),
    presets: presetsOf(instances),
    externalAuthProviders: externalAuthProvidersOf(instances),
    workspaceTags: workspaceTagsOf(instances),
    dailyCost: resources.reduce((sum, resource) => sum + (resource.dailyCost ?? 0), 0),
  };
}
