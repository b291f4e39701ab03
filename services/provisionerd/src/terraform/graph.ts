import type { PlanRequest } from "@fleet/provisionersdk";
import type { TerraformJob } from "./job.js";
import { graphDocument } from "./lines.js";
import { captureOf, timed, withProvider } from "./run.js";

/** Runs terraform graph (DOT). It depends only on the configuration, so all builds of a version can share it. */
export function drawGraph(job: TerraformJob, request: PlanRequest): Promise<string> {
  return timed(job, "graph", "graph", () =>
    withProvider(job, request, async (env) =>
      graphDocument(await captureOf(job, ["graph", "-no-color"], env)),
    ),
  );
}
