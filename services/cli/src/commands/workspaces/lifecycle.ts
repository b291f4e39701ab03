import { FleetError, isFleetError } from "@fleet/base";
import type { BuildReason, Client, Workspace, WorkspaceBuild } from "@fleet/sdk";
import { BUILD_REASONS } from "@fleet/sdk/browser";
import { Command, Option } from "commander";
import type { Context } from "../../context.js";
import { askConsent } from "../../ui/prompt.js";
import { createBuild, followBuild } from "../../workspace/build.js";
import { requireExternalAuth } from "../../workspace/external-auth.js";
import { findWorkspace } from "../../workspace/find.js";
import { type ParameterFlags, withBuildParameterFlags } from "../../workspace/parameter-flags.js";
import { type PlanFlags, withPlanFlags } from "../../workspace/plan.js";
import { startBuild } from "../../workspace/start.js";
import { type Loss, warnOfUnpushedWork } from "../../workspace/unpushed-work.js";
import { managedAddresses, parseState } from "../state/edit.js";

type Options = ParameterFlags & PlanFlags & { yes?: boolean; wait: boolean; reason?: BuildReason };

const reasonOption = () =>
  new Option("--reason <reason>", "reason to record for the build").choices(BUILD_REASONS).hideHelp();

export function startCommand(context: Context): Command {
  return withPlanFlags(withBuildParameterFlags(new Command("start").description("Start a workspace")))
    .argument("<workspace>")
    .option("--no-wait", "Return once the build is queued instead of waiting for it")
    .addOption(reasonOption())
    .option("-y, --yes", "Do not ask for confirmation; use default values")
    .action(async (name: string, options: Options) => {
      const workspace = await load(context, name);
      if (isRunning(workspace) && !options.plan)
        return context.note(`Workspace ${workspace.name} is already running.`);
      await finish(context, await startBuild(context, workspace, options), options.wait, "started");
    });
}

export function stopCommand(context: Context): Command {
  return new Command("stop")
    .description("Stop a workspace")
    .argument("<workspace>")
    .option("-y, --yes", "Do not ask for confirmation")
    .option("--no-wait", "Return once the build is queued instead of waiting for it")
    .action(async (name: string, options: Options) => {
      const workspace = await load(context, name);
      await consentToLoss(context, workspace, "stop", `Stop ${workspace.name}`, options);
      await finish(context, await stop(context, workspace), options.wait, "stopped");
    });
}

export function restartCommand(context: Context): Command {
  return withPlanFlags(withBuildParameterFlags(new Command("restart").description("Restart a workspace")))
    .argument("<workspace>")
    .option("-y, --yes", "Do not ask for confirmation; use default values")
    .action(async (name: string, options: Options) => {
      const workspace = await load(context, name);
      requireExisting(workspace);
      if (!options.plan)
        await consentToLoss(context, workspace, "stop", `Restart ${workspace.name}`, options);
      const build = await startBuild(context, workspace, { ...options, restart: true });
      await finish(context, build, true, "restarted");
    });
}

export function updateCommand(context: Context): Command {
  return withPlanFlags(
    withBuildParameterFlags(
      new Command("update").description("Update a workspace to the active version of its template"),
    ),
  )
    .argument("<workspace>")
    .option("-y, --yes", "Do not ask for confirmation; use default values")
    .action(async (name: string, options: Options) => {
      const workspace = await load(context, name);
      const wantsValues = options.alwaysPrompt || options.parameter || options.richParameterFile;
      if (!workspace.outdated && !wantsValues) {
        return context.note(`Workspace ${workspace.name} is already up to date.`);
      }
      await requireExternalAuth(context, workspace.template_active_version_id);
      // Stop it with its current version first, because another version may not know its resources.
      const restart = workspace.latest_build.transition === "start";
      const version = workspace.template_active_version_id;
      if (restart && !options.plan) await warnOfUnpushedWork(context, workspace, "stop");
      const build = await startBuild(context, workspace, { ...options, version, restart });
      await finish(context, build, true, "updated");
    });
}

export function deleteCommand(context: Context): Command {
  return new Command("delete")
    .alias("rm")
    .description("Delete a workspace and its resources")
    .argument("<workspace>")
    .option(
      "--orphan",
      "Delete the workspace without destroying its resources, for use when its template can no longer delete them",
    )
    .option("-y, --yes", "Do not ask for confirmation")
    .option("--no-wait", "Return once the build is queued instead of waiting for it")
    .action(async (name: string, options: Options & { orphan?: boolean }) => {
      const { client } = await context.session();
      const workspace = await load(context, name);
      if (options.orphan) await noteOrphans(context, client, workspace);
      const what = options.orphan ? "Delete without destroying its resources:" : "Delete";
      const question = `${what} ${workspace.owner_name}/${workspace.name}`;
      await consentToLoss(context, workspace, "delete", question, options);
      const build = await createBuild(client, workspace, { transition: "delete", orphan: options.orphan });
      await finish(context, build, options.wait, "deleted");
    });
}

export function cancelCommand(context: Context): Command {
  return new Command("cancel")
    .description("Cancel the running build")
    .argument("<workspace>")
    .action(async (name: string) => {
      const { client } = await context.session();
      const { latest_build } = await load(context, name);
      await client.workspaceBuildCancel({ params: { build: latest_build.id } });
      context.note("Canceling the build.");
    });
}

/** Asks, naming the work that would be lost. With `--yes`, it is named, and lost. */
async function consentToLoss(
  context: Context,
  workspace: Workspace,
  loss: Loss,
  question: string,
  { yes }: Pick<Options, "yes">,
): Promise<void> {
  const loses = await warnOfUnpushedWork(context, workspace, loss);
  await askConsent(context, `${question}${loses ? " and lose this work" : ""}?`, yes);
}

/** Lists what will stay behind, as far as the user may see it and the state can be read. */
async function noteOrphans(context: Context, client: Client, { latest_build }: Workspace): Promise<void> {
  try {
    const state = await client.workspaceBuildState({ params: { build: latest_build.id } });
    const left = managedAddresses(parseState(await state.text()));
    if (left.length === 0) return;
    context.note(`These resources will stay behind. Delete them yourself:\n  ${left.join("\n  ")}`);
  } catch (error) {
    if (!isFleetError(error, "not_found", "permission_denied", "invalid_argument", "failed_precondition"))
      throw error;
  }
}

async function load(context: Context, name: string): Promise<Workspace> {
  return findWorkspace((await context.session()).client, name);
}

function isRunning({ latest_build }: Workspace): boolean {
  return latest_build.transition === "start" && latest_build.job.status === "succeeded";
}

async function stop(context: Context, workspace: Workspace): Promise<WorkspaceBuild> {
  const { client } = await context.session();
  requireExisting(workspace);
  return createBuild(client, workspace, { transition: "stop" });
}

function requireExisting({ name, latest_build }: Workspace): void {
  if (latest_build.transition === "delete" && latest_build.job.status === "succeeded")
    throw new FleetError("failed_precondition", `Workspace ${name} has been deleted.`);
}

/** Without a build, there is nothing to wait for. */
async function finish(
  context: Context,
  build: WorkspaceBuild | undefined,
  wait: boolean,
  done: string,
): Promise<void> {
  if (!build) return;
  const name = context.colors.bold(build.workspace_name);
  if (!wait) return context.note(`The ${build.transition} of ${name} is queued.`);
  await followBuild(context, build);
  context.note(`Workspace ${name} ${done}.`);
}
