import { stat } from "node:fs/promises";
import { join } from "node:path";
import { errorMessage, isFleetError } from "@fleet/base";
import { LogLevel, Transition } from "@fleet/proto-gen/provisioner";
import {
  type ApplyResult,
  instancesOfState,
  type PlanRequest,
  parseGraph,
  resourcesOf,
} from "@fleet/provisionersdk";
import { PLAN_FILE, STATE_FILE, type TerraformJob } from "./job.js";
import { readIfThere } from "./read.js";
import { runUi, withProvider } from "./run.js";

/** How often to check the state file during apply; the job's updates decide how often to send it. */
const CHECKPOINT_MS = 250;

const NOTHING = new Uint8Array();

/** Larger states are not stored; the API rejects them too. */
export const MAX_STATE_BYTES = 32 * 1024 * 1024;

export type ApplyOptions = {
  /** True if the folder contains a plan; otherwise terraform plans and applies in one run. */
  planned: boolean;
  graph(): Promise<string>;
  /** Called when a combined run begins to apply. */
  onPlanned: (() => void) | undefined;
};

/** Runs terraform apply or destroy. The result contains the resulting state, also after a failure. */
export async function apply(
  job: TerraformJob,
  request: PlanRequest,
  options: ApplyOptions,
): Promise<ApplyResult> {
  const { report } = job.request;
  const destroys = request.metadata.transition === Transition.DELETE;
  if (destroys && isEmpty(job.request.state)) {
    report.log(LogLevel.INFO, "The terraform state does not exist, there is nothing to do");
    return { state: NOTHING, resources: [], error: undefined };
  }
  // First, because no command is started after a cancel.
  const graph = parseGraph(await options.graph());
  const what = destroys ? ["-destroy", "-auto-approve"] : options.planned ? [PLAN_FILE] : ["-auto-approve"];
  const args = ["apply", "-json", "-input=false", "-no-color", ...what];
  let error: string | undefined;
  const watch = watchState(job);
  try {
    await withProvider(job, request, (env) =>
      runUi(job, { stage: "apply", args, env, onPlanned: options.onPlanned }),
    );
  } catch (caught) {
    if (!isFleetError(caught)) throw caught;
    error = caught.message;
  } finally {
    watch.cancel();
  }
  const state = (await readIfThere(join(job.folder, STATE_FILE))) ?? NOTHING;
  if (state.length > MAX_STATE_BYTES) {
    const size = Math.ceil(state.length / 1024 / 1024);
    const tooLarge = `The Terraform state is ${size} MiB, above the limit of ${MAX_STATE_BYTES / 1024 / 1024} MiB. The last state within the limit is kept. Check for resources that it does not contain, and keep large values outside of Terraform.`;
    return { state: undefined, resources: [], error: error ? `${error}\n${tooLarge}` : tooLarge };
  }
  if (isEmpty(state)) return { state: destroys ? NOTHING : state, resources: [], error };
  try {
    return { state, resources: resourcesOf(instancesOfState(state), graph), error };
  } catch (caught) {
    return { state, resources: [], error: error ?? errorMessage(caught) };
  }
}

/** True if the state contains nothing to destroy. */
function isEmpty(state: Uint8Array): boolean {
  return !instancesOfState(state).some((instance) => instance.mode === "managed");
}

/** Reports the state each time terraform writes it. */
function watchState(job: TerraformJob): { cancel(): void } {
  const path = join(job.folder, STATE_FILE);
  let seen = 0;
  return job.clock.every(CHECKPOINT_MS, () => {
    void (async () => {
      const modified = (await stat(path).catch(() => undefined))?.mtimeMs ?? 0;
      if (modified <= seen) return;
      const state = (await readIfThere(path)) ?? NOTHING;
      if (state.length > MAX_STATE_BYTES) return;
      // terraform writes in place; a partially written state is read again later.
      instancesOfState(state);
      seen = modified;
      if (state.length > 0) job.request.report.checkpoint(state);
    })().catch(() => {});
  });
}
