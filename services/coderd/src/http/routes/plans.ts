import { toJobLog } from "../../convert/jobs.js";
import { toPlan, toWorkspacePlans } from "../../convert/plans.js";
import type { Plans } from "../../plans/service.js";
import type { Surveys } from "../../plans/survey.js";
import type { Policies } from "../../policies/service.js";
import type { Handlers } from "../handler.js";

/** Workspaces that one request plans by default. */
const DEFAULT_LIMIT = 50;

export function createPlanHandlers({
  plans,
  surveys,
  policies,
}: {
  plans: Plans;
  surveys: Surveys;
  policies: Pick<Policies, "resultsOf">;
}) {
  return {
    workspacePlanCreate: async ({ actor, params, body }) =>
      toPlan(
        await plans.create(actor, params.workspace, {
          transition: body.transition,
          versionId: body.template_version_id,
          presetId: body.template_version_preset_id,
          parameters: body.rich_parameter_values ?? [],
          skipRefresh: body.refresh === false,
        }),
      ),
    workspacePlanGet: async ({ actor, params }) => {
      const plan = await plans.get(actor, params.workspace, params.plan);
      return toPlan(plan, plan.row.result ? await policies.resultsOf(plan.row.jobId) : undefined);
    },
    workspacePlanLogs: async ({ actor, params, query }) =>
      (await plans.logs(actor, params.workspace, params.plan, query)).map(toJobLog),
    workspacePlanCancel: async ({ actor, params }) => {
      await plans.cancel(actor, params.workspace, params.plan);
      return { message: "Job has been marked as canceled." };
    },
    templateVersionPlansCreate: async ({ actor, params, body }) =>
      toWorkspacePlans(await surveys.start(actor, params.version, body.limit ?? DEFAULT_LIMIT)),
    templateVersionPlansGet: async ({ actor, params }) =>
      toWorkspacePlans(await surveys.get(actor, params.version)),
    templateVersionPlansCancel: async ({ actor, params }) => {
      await surveys.cancel(actor, params.version);
      return { message: "The plans have been canceled and deleted." };
    },
  } satisfies Partial<Handlers>;
}
