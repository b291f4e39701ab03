import { LogLevel, Transition } from "@fleet/proto-gen/provisioner";
import {
  declaredIn,
  externalAuthProvidersOf,
  instancesOfPlan,
  type PlanRequest,
  type PlanResult,
  type PreviewResult,
  parametersOf,
  parseGraph,
  planSummaryOf,
  presetsOf,
  resourcesOf,
  warningsOf,
  workspaceTagsOf,
} from "@fleet/provisionersdk";
import type { HostOptions } from "@fleet/terraform-provider";
import { PLAN_FILE, type TerraformJob } from "./job.js";
import { jsonDocument } from "./lines.js";
import { captureOf, runUi, withProvider } from "./run.js";

/** Runs terraform plan and returns its effects. The plan stays in the folder for `apply`. */
export async function plan(
  job: TerraformJob,
  request: PlanRequest,
  graph: () => Promise<string>,
): Promise<PlanResult> {
  const document = await withProvider(job, request, async (env) => {
    await runPlan(job, request, env);
    return show(job, env);
  });
  const instances = instancesOfPlan(document);
  const declared = declaredIn(document);
  const lost: string[] = [];
  const resources = resourcesOf(instances, parseGraph(await graph()), {
    declared,
    onLost: ({ address }, lacks) => void lost.push(`${address} has no effect: ${lacks}.`),
  });
  // An import plans a start and a stop; warn the author once.
  if (request.metadata.transition === Transition.START) {
    const warnings = [...warningsOf(instances, resources, declared), ...new Set(lost)];
    for (const warning of warnings) job.request.report.log(LogLevel.WARN, `Warning: ${warning}`);
  }
  return {
    resources,
    parameters: parametersOf(instances),
    presets: presetsOf(instances),
    externalAuthProviders: externalAuthProvidersOf(instances),
    workspaceTags: workspaceTagsOf(instances),
    ...(request.withChanges && { preview: previewOf(document) }),
  };
}

/**
 * Runs terraform plan and returns its daily cost. The hosted provider sees each coder_metadata, so the plan need not be
 * read.
 */
export async function price(job: TerraformJob, request: PlanRequest): Promise<number> {
  let credits = 0;
  const count: HostOptions["onPlanned"] = (type, { daily_cost }) => {
    if (type === "coder_metadata" && (typeof daily_cost === "number" || typeof daily_cost === "bigint")) {
      credits += Number(daily_cost);
    }
  };
  return await withProvider(
    job,
    request,
    async (env) => {
      await runPlan(job, request, env);
      return job.launchesProvider ? costOf(await show(job, env)) : credits;
    },
    count,
  );
}

/** Runs terraform plan and returns its daily cost and what it changes. */
export async function preview(job: TerraformJob, request: PlanRequest): Promise<PreviewResult> {
  const document = await withProvider(job, request, async (env) => {
    await runPlan(job, request, env);
    return show(job, env);
  });
  return previewOf(document);
}

function previewOf(document: Uint8Array): PreviewResult {
  return { summary: planSummaryOf(document), dailyCost: costOf(document) };
}

/** The last plan's JSON document. */
async function show(job: TerraformJob, env: Record<string, string>): Promise<Uint8Array> {
  const shown = jsonDocument(await captureOf(job, ["show", "-json", "-no-color", PLAN_FILE], env));
  return new TextEncoder().encode(shown);
}

/** The daily cost that a plan's document adds up to. */
function costOf(document: Uint8Array): number {
  return costOfInstances(instancesOfPlan(document));
}

export function costOfInstances(
  instances: readonly { type: string; values: Record<string, unknown> }[],
): number {
  const described = instances.filter(({ type }) => type === "coder_metadata");
  return described.reduce((sum, { values }) => sum + Number(values.daily_cost ?? 0), 0);
}

function runPlan(job: TerraformJob, request: PlanRequest, env: Record<string, string>): Promise<void> {
  const options = [
    ...(request.metadata.transition === Transition.DELETE ? ["-destroy"] : []),
    ...(request.skipRefresh ? ["-refresh=false"] : []),
  ];
  const args = ["plan", "-json", "-input=false", "-no-color", `-out=${PLAN_FILE}`, ...options];
  return runUi(job, { stage: "plan", args, env });
}
