import { FleetError, formatDuration, isFleetError, parseDuration } from "@fleet/base";
import type { Client, RolloutFailure, RolloutProgress, Template, TemplateRollout } from "@fleet/sdk";
import { Command } from "commander";
import type { Context } from "../../context.js";
import { type OutputOptions, printJson, printList, withListOutput, withTextOutput } from "../../ui/output.js";
import type { Column } from "../../ui/table.js";
import { ago, until } from "../../ui/time.js";
import { findTemplate } from "./find.js";

/** Flags of `versions promote` that make a rollout of it. */
export type RolloutFlags = {
  percent?: string;
  steps?: string;
  pause?: string;
  maxFailures?: string;
  minSamples?: string;
};

const FAILURES: Record<RolloutFailure, string> = {
  build: "the build failed",
  agent: "an agent did not connect",
  script: "a start script failed",
};

export function templateRolloutCommand(context: Context): Command {
  return new Command("rollout")
    .description("Manage the rollout of a version to a share of the workspaces")
    .addCommand(statusCommand(context))
    .addCommand(listCommand(context))
    .addCommand(
      changeCommand(context, "pause", "Keep the current share; the rollout still stops on failures"),
    )
    .addCommand(changeCommand(context, "resume", "Continue a paused or stopped rollout"))
    .addCommand(
      changeCommand(context, "abort", "Return all workspaces to the former version at their next start"),
    )
    .addCommand(changeCommand(context, "finish", "Make the version the active version of all workspaces"));
}

/** Adds the flags of a rollout to `versions promote`. */
export function withRolloutFlags(command: Command): Command {
  return command
    .option("--percent <percent>", "Promote to this share of the workspaces only")
    .option("--steps <percents>", "Promote in steps to growing shares of the workspaces, such as 10,50,100")
    .option("--pause <duration>", "Minimum duration of each step (default: 30m)")
    .option(
      "--max-failures <percent>",
      "Stop if more than this share of the updated workspaces fails (default: 20)",
    )
    .option(
      "--min-samples <number>",
      "Number of updated workspaces before the rollout can stop (default: 3)",
    );
}

/** Starts a rollout. Undefined if no flag asks for one. */
export async function startRollout(
  context: Context,
  template: Template,
  version: { id: string; name: string },
  flags: RolloutFlags,
): Promise<TemplateRollout | undefined> {
  const { percent, steps } = flags;
  if (percent !== undefined && steps !== undefined)
    throw new FleetError("invalid_argument", "Use either --percent or --steps, not both.");
  const given = steps ?? percent;
  if (given === undefined) {
    const without = (["pause", "maxFailures", "minSamples"] as const).find(
      (flag) => flags[flag] !== undefined,
    );
    if (!without) return undefined;
    const name = without.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    throw new FleetError("invalid_argument", `--${name} requires --percent or --steps.`);
  }
  const { client } = await context.session();
  const rollout = await client.rolloutCreate({
    params: { template: template.id },
    body: {
      template_version_id: version.id,
      steps: given.split(",").map((step) => percentOf(step)),
      ...(flags.pause === undefined ? {} : { pause_ms: parseDuration(flags.pause) }),
      ...(flags.maxFailures === undefined ? {} : { max_failure_percent: percentOf(flags.maxFailures) }),
      ...(flags.minSamples === undefined ? {} : { min_samples: wholeNumber(flags.minSamples) }),
    },
  });
  context.note(
    `Version ${version.name} is active for ${rollout.percent}% of the workspaces of ${template.name}. Follow it with: coder templates rollout status ${template.name}`,
  );
  return rollout;
}

/** The template's rollouts, latest first; none from a server that has no rollouts. */
export async function rolloutsOf(client: Client, template: Template): Promise<TemplateRollout[]> {
  return client.rolloutList({ params: { template: template.id } }).catch((error: unknown) => {
    if (isFleetError(error, "not_found")) return [];
    throw error;
  });
}

function statusCommand(context: Context): Command {
  return withTextOutput(new Command("status").description("Show the latest rollout of a template"))
    .argument("<template>")
    .option("-O, --org <organization>", "Organization name or ID")
    .action(async (name: string, options: { output: string; org?: string }) => {
      const { client } = await context.session();
      const { template, rollout } = await latest(context, name, options.org);
      const progress = await client.rolloutGet({ params: { template: template.id, rollout: rollout.id } });
      if (options.output === "json") printJson(context, progress);
      else show(context, progress);
    });
}

function listCommand(context: Context): Command {
  const columns: Column<TemplateRollout>[] = [
    { name: "version", text: (rollout) => rollout.template_version_name },
    { name: "former version", text: (rollout) => rollout.former_version_name },
    { name: "status", text: (rollout) => rollout.status },
    { name: "percent", text: (rollout) => `${rollout.percent}%` },
    { name: "steps", text: (rollout) => rollout.steps.join(",") },
    { name: "started", text: (rollout) => ago(rollout.created_at, context.clock.now()) },
    { name: "ended", text: (rollout) => ago(rollout.ended_at, context.clock.now()) },
    { name: "by", text: (rollout) => rollout.initiator_name },
    { name: "reason", text: (rollout) => rollout.reason },
    { name: "id", extra: true, text: (rollout) => rollout.id },
  ];
  return withListOutput(
    new Command("list").alias("ls").description("List the rollouts of a template, latest first"),
    columns,
  )
    .argument("<template>")
    .option("-O, --org <organization>", "Organization name or ID")
    .action(async (name: string, options: OutputOptions & { org?: string }) => {
      const { client } = await context.session();
      const template = await findTemplate(context, name, options.org);
      printList(context, options, columns, await client.rolloutList({ params: { template: template.id } }));
    });
}

function changeCommand(
  context: Context,
  verb: "pause" | "resume" | "abort" | "finish",
  description: string,
): Command {
  return new Command(verb)
    .description(description)
    .argument("<template>")
    .option("-O, --org <organization>", "Organization name or ID")
    .action(async (name: string, options: { org?: string }) => {
      const { client } = await context.session();
      const { template, rollout } = await latest(context, name, options.org);
      const params = { template: template.id, rollout: rollout.id };
      const call = {
        pause: client.rolloutPause,
        resume: client.rolloutResume,
        abort: client.rolloutAbort,
        finish: client.rolloutFinish,
      }[verb];
      context.note(toldOf(await call({ params }), name));
    });
}

function toldOf(
  { status, percent, template_version_name: version, ...rest }: TemplateRollout,
  template: string,
) {
  switch (status) {
    case "paused":
      return `Paused. Version ${version} stays active for ${percent}% of the workspaces.`;
    case "running":
      return `Resumed. Version ${version} is active for ${percent}% of the workspaces.`;
    case "finished":
      return `Version ${version} is now the active version of ${template}.`;
    default:
      return `Aborted. Version ${rest.former_version_name} is active again for all workspaces, from their next start.`;
  }
}

async function latest(context: Context, name: string, org: string | undefined) {
  const { client } = await context.session();
  const template = await findTemplate(context, name, org);
  const [rollout] = await client.rolloutList({ params: { template: template.id } });
  if (!rollout) {
    throw new FleetError(
      "not_found",
      `Template ${template.name} has no rollout. Start one with: coder templates versions promote --steps 10,50,100`,
    );
  }
  return { template, rollout };
}

function show(context: Context, progress: RolloutProgress): void {
  const { rollout, workspaces, share, succeeded, failed, undecided, waiting, failures } = progress;
  const { bold, red } = context.colors;
  const now = context.clock.now();
  const steps = rollout.steps.map((step, at) => (at === rollout.step ? bold(`[${step}%]`) : `${step}%`));
  const status = rollout.status === "stopped" ? red(rollout.status) : rollout.status;
  context.print(`${rollout.former_version_name} → ${rollout.template_version_name}: ${status}`);
  context.print(`  Steps:      ${steps.join(" → ")}, at least ${formatDuration(rollout.pause_ms)} each`);
  if (rollout.ended_at === null) context.print(`  Active for: ${share} of ${workspaces} workspaces`);
  context.print(`  Updated:    ${succeeded} succeeded, ${failed} failed, ${undecided} in progress`);
  if (rollout.next_step_at && waiting === "")
    context.print(`  Next step:  ${until(rollout.next_step_at, now)}`);
  if (waiting !== "") context.print(`  Waiting:    ${waiting}`);
  if (rollout.reason !== "") context.print(`  Reason:     ${rollout.reason}`);
  for (const one of failures) {
    const name = `${one.workspace_owner_name}/${one.workspace_name}`;
    const detail = one.error === "" ? FAILURES[one.failure] : one.error.split("\n")[0]!;
    context.print(`  ${red("✗")} ${bold(name)}  ${detail}`);
  }
}

function percentOf(text: string): number {
  return wholeNumber(text.trim().replace(/%$/, ""));
}

function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text))
    throw new FleetError("invalid_argument", `"${text}" is not a valid value. Use a whole number.`);
  return Number(text);
}
