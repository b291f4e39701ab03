import { FleetError } from "@fleet/base";
import type { Template, TemplateVersion, WorkspaceOutcome, WorkspacePlans } from "@fleet/sdk";
import type { Context } from "../../context.js";

const POLL_MS = 500;
/** Workspaces that are named in the summary. */
const NAMED = 10;
const WORDS: Record<WorkspaceOutcome, string> = {
  loses_data: "lose data",
  failed: "fail",
  replaces: "replace or destroy resources",
  changes: "change in place",
  unchanged: "do not change",
  pending: "were not planned",
};

/**
 * Plans the version for the template's workspaces and shows how many it would change, with the names of the worst.
 * Interrupting the command cancels the plans.
 */
export async function planWorkspaces(
  context: Context,
  template: Template,
  version: TemplateVersion,
  limit: number,
): Promise<WorkspacePlans> {
  const { client } = await context.session();
  const params = { version: version.id };
  try {
    let plans = await client.templateVersionPlansCreate({ params, body: { limit } });
    context.note(`Planning ${version.name} for ${plans.workspaces.length} of ${plans.total} workspaces…`);
    while (plans.running) {
      await context.clock.sleep(POLL_MS, context.signal);
      plans = await client.templateVersionPlansGet({ params });
    }
    show(context, template, plans);
    return plans;
  } catch (error) {
    if (context.signal.aborted) await client.templateVersionPlansCancel({ params }).catch(() => {});
    throw error;
  }
}

/** Throws if the version would lose data or could not be planned for a workspace. */
export function requireSafe({ name }: TemplateVersion, { counts }: WorkspacePlans): void {
  const bad = (["loses_data", "failed"] as const).filter((outcome) => (counts[outcome] ?? 0) > 0);
  if (bad.length === 0) return;
  const what = bad.map((outcome) => `${counts[outcome]} ${WORDS[outcome]}`).join(" and ");
  throw new FleetError(
    "failed_precondition",
    `Version ${name} was not activated: of the planned workspaces, ${what}. To activate it all the same, use: coder templates versions promote`,
  );
}

function show(context: Context, template: Template, { counts, workspaces, total }: WorkspacePlans): void {
  if (workspaces.length === 0) {
    context.print(`Template ${template.name} has no workspaces to plan.`);
    return;
  }
  const { bold, red } = context.colors;
  const parts = (Object.keys(WORDS) as WorkspaceOutcome[])
    .filter((outcome) => (counts[outcome] ?? 0) > 0)
    .map((outcome) => `${counts[outcome]} ${WORDS[outcome]}`);
  context.print(`Of ${workspaces.length} planned workspaces (${total} in total): ${parts.join(", ")}.`);
  const worst = workspaces.filter(({ outcome }) => ["loses_data", "failed", "replaces"].includes(outcome));
  for (const one of worst.slice(0, NAMED)) {
    const name = `${one.workspace_owner_name}/${one.workspace_name}`;
    const why = one.error ?? one.addresses.join(", ");
    const label = { loses_data: "loses data", failed: "fails" }[one.outcome as string] ?? "replaces";
    const mark = one.outcome === "replaces" ? label : red(label);
    context.print(`  ${bold(name)}  ${mark}: ${why}`);
  }
  if (worst.length > NAMED) context.print(`  and ${worst.length - NAMED} more`);
}
