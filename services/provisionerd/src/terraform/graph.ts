import type { PlanRequest } from "@fleet/provisionersdk";
import type { TerraformJob } from "./job.js";
import { captureOf, timed, withProvider } from "./run.js";

/** Runs terraform graph (DOT). It depends only on the configuration, so all builds of a version can share it. */
export function drawGraph(job: TerraformJob, request: PlanRequest): Promise<string> {
  return timed(job, "graph", "graph", () =>
    withProvider(job, request, (env) => captureOf(job, ["graph", "-no-color"], env)),
  );
}
