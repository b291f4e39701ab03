import type { PlanRequest } from "@fleet/provisionersdk";
import type { TerraformJob } from "./job.js";
import { captureOf, timed, withProvider } from "./run.js";

/** terraform graph, in DOT: it depends on the configuration only, so one serves all builds of a version. */
export function drawGraph(job: TerraformJob, request: PlanRequest): Promise<string> {
  return timed(job, "graph", "graph", () =>
    withProvider(job, request, (env) => captureOf(job, ["graph", "-no-color"], env)),
  );
}
