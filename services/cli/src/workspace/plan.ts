import { FleetError } from "@fleet/base";
import type { PlanAction, PlanChanges, PlannedChange, PolicyResult, Workspace } from "@fleet/sdk";
import type { Command } from "commander";
import type { Context } from "../context.js";
import { askConsent } from "../ui/prompt.js";
import type { BuildRequest } from "./build.js";
import { poll } from "./poll.js";

export type PlanFlags = { plan?: boolean; acceptDataLoss?: boolean };

const SIGNS: Record<PlanAction, string> = {
  add: "  +",
  change: "  ~",
  replace: "-/+",
  destroy: "  -",
  forget: "  .",
};

/** Adds `--plan` and `--accept-data-loss` to a command that builds. */
export function withPlanFlags(command: Command): Command {
  return command
    .option("--plan", "Show what the build would change and what it costs, without running it")
    .option("--accept-data-loss", "Run the build even if it replaces or destroys resources that keep data");
}

/**
 * Whether to request the build, and whether it may lose data. With `--plan`, shows what it would change. If the
 * template's policy asks for consent, a user at a terminal is asked; without one, the server decides.
 */
export async function consentToBuild(
  context: Context,
  workspace: Workspace,
  request: BuildRequest,
  flags: PlanFlags,
): Promise<{ build: boolean; acceptDataLoss: boolean }> {
  if (flags.plan) {
    const { result, policies } = await planBuild(context, workspace, request);
    showPlan(context, workspace, result, policies);
    return { build: false, acceptDataLoss: false };
  }
  if (flags.acceptDataLoss) return { build: true, acceptDataLoss: true };
  if (!context.interactive) return { build: true, acceptDataLoss: false };
  const { client } = await context.session();
  const { data_loss_policy: policy } = await client.templateGet({
    params: { template: workspace.template_id },
  });
  if (!policy || policy === "off") return { build: true, acceptDataLoss: false };
  const { result, policies } = await planBuild(context, workspace, request);
  if (!result.changes.some((change) => change.loses_data)) return { build: true, acceptDataLoss: false };
  showPlan(context, workspace, result, policies);
  await askConsent(context, "This build loses data. Continue?", false);
  return { build: true, acceptDataLoss: true };
}

/** Plans a build on the server. Interrupting the command cancels the plan. */
async function planBuild(
  context: Context,
  workspace: Workspace,
  request: BuildRequest,
): Promise<{ result: PlanChanges; policies: PolicyResult[] }> {
  const { client } = await context.session();
  const { transition, template_version_id, template_version_preset_id, rich_parameter_values } = request;
  const { id } = await client.workspacePlanCreate({
    params: { workspace: workspace.id },
    body: { transition, template_version_id, template_version_preset_id, rich_parameter_values },
  });
  const params = { workspace: workspace.id, plan: id };
  const {
    result,
    policies = [],
    job,
  } = await poll(context, {
    get: () => client.workspacePlanGet({ params }),
    isFinal: (plan) => plan.result !== undefined || ["failed", "canceled"].includes(plan.job.status),
    cancel: () => client.workspacePlanCancel({ params }),
  });
  if (result) return { result, policies };
  if (job.status === "canceled") throw new FleetError("canceled", "The plan was canceled.");
  throw new FleetError("failed_precondition", "The build could not be planned.", { detail: job.error });
}

function showPlan(
  context: Context,
  workspace: Workspace,
  plan: PlanChanges,
  policies: readonly PolicyResult[],
): void {
  const { bold, red, yellow } = context.colors;
  const name = `${workspace.owner_name}/${workspace.name}`;
  if (plan.changes.length === 0) context.print(`Plan for ${bold(name)}: no changes.`);
  else {
    context.print(
      `Plan for ${bold(name)}: ${plan.add} to add, ${plan.change} to change, ${plan.replace} to replace, ${plan.destroy} to destroy.`,
    );
  }
  section(
    "Loses data:",
    plan.changes.filter((change) => change.loses_data).map((change) => red(lineOf(change))),
  );
  section("Changes:", plan.changes.filter((change) => !change.loses_data).map(lineOf));
  section(
    "Changed outside of Terraform since the last build:",
    plan.drift.map(({ address, deleted }) => `  ${SIGNS[deleted ? "destroy" : "change"]} ${address}`),
  );
  section("Policies:", policyLines(context, policies));
  if (plan.truncated) context.print(yellow("\nThe plan is too large to show completely."));
  const cost =
    plan.daily_cost_before === plan.daily_cost
      ? `${plan.daily_cost}`
      : `${plan.daily_cost_before} → ${plan.daily_cost}`;
  if (plan.daily_cost_before + plan.daily_cost > 0) context.print(`\nCost: ${cost} credits per day`);

  function section(title: string, lines: readonly string[]): void {
    if (lines.length === 0) return;
    context.print(`\n${bold(title)}`);
    for (const line of lines) context.print(line);
  }
}

function lineOf({ address, action, reasons }: PlannedChange): string {
  const why = reasons.length > 0 ? `  (replaced because of ${reasons.join(", ")})` : "";
  const forgotten = action === "forget" ? "  (kept, but no longer managed)" : "";
  return `  ${SIGNS[action]} ${address}${why}${forgotten}`;
}

/** What policies say of a build that it violates, those that deny it first. */
export function policyLines({ colors }: Context, policies: readonly PolicyResult[]): string[] {
  const lines = (mode: string, sign: string, color: (text: string) => string) =>
    policies
      .filter((policy) => policy.mode === mode && policy.outcome !== "passed")
      .map(({ policy_name, outcome, message }) => {
        const what = outcome === "error" ? `could not be evaluated: ${message}` : message;
        return color(`  ${sign} ${policy_name}: ${what}`);
      });
  return [...lines("deny", "denied ", colors.red), ...lines("warn", "warning", colors.yellow)];
}
