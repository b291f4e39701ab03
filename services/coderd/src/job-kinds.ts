import type { BuildLeftover, BuildResult, BuildWork } from "./builds/work.js";
import type { PlanResult, PlanWork } from "./plans/work.js";
import type { JobKind } from "./provisionerjobs/kind.js";
import type { DryRunResult, DryRunWork, ImportResult, ImportWork } from "./templateversions/work.js";

/** All kinds of jobs. */
export type Kinds = {
  workspace_build: JobKind<BuildWork, BuildResult, BuildLeftover>;
  template_version_import: JobKind<ImportWork, ImportResult>;
  template_version_dry_run: JobKind<DryRunWork, DryRunResult>;
  workspace_plan: JobKind<PlanWork, PlanResult>;
};
