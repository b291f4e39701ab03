import { readFile, writeFile } from "node:fs/promises";
import { buffer } from "node:stream/consumers";
import { isFleetError } from "@fleet/base";
import type { Client, Workspace, WorkspaceBuild } from "@fleet/sdk";
import { Command } from "commander";
import type { Context } from "../../context.js";
import { createBuild, followBuild } from "../../workspace/build.js";
import { findWorkspace } from "../../workspace/find.js";

type Options = { build?: string };

export function stateCommand(context: Context): Command {
  return new Command("state")
    .description("Pull and push the Terraform state of a workspace")
    .addCommand(pullCommand(context))
    .addCommand(pushCommand(context));
}

function pullCommand(context: Context): Command {
  return new Command("pull")
    .description("Print the Terraform state or write it to a file")
    .argument("<workspace>")
    .argument("[file]", "File to write (default: standard output)")
    .option("-b, --build <number>", "Number of the build (default: the latest)")
    .action(async (name: string, file: string | undefined, options: Options) => {
      const { client } = await context.session();
      const build = await buildOf(client, await findWorkspace(client, name), options.build);
      const state = await (await client.workspaceBuildState({ params: { build: build.id } })).text();
      if (file === undefined || file === "-") return context.print(state);
      // A state contains secrets.
      await writeFile(file, state, { mode: 0o600 });
    });
}

function pushCommand(context: Context): Command {
  return new Command("push")
    .description("Start a build of the workspace from a Terraform state")
    .argument("<workspace>")
    .argument("<file>", "State file, or - for standard input")
    .option("-b, --build <number>", "Number of the build to repeat (default: the latest)")
    .option("-n, --no-build", "Only replace the state, without starting a build")
    .action(async (name: string, file: string, options: { build?: string | false }) => {
      const { client } = await context.session();
      const state = file === "-" ? await buffer(context.io.stdin) : await readFile(file);
      const workspace = await findWorkspace(client, name);
      const build = await buildOf(client, workspace, options.build || undefined);
      const encoded = state.toString("base64");
      if (options.build === false) {
        await client.workspaceBuildStateUpdate({ params: { build: build.id }, body: { state: encoded } });
        return context.note("Replaced the state.");
      }
      const next = await createBuild(client, workspace, {
        transition: build.transition,
        template_version_id: build.template_version_id,
        state: encoded,
      });
      await followBuild(context, next);
    });
}

async function buildOf(
  client: Client,
  workspace: Workspace,
  number: string | undefined,
): Promise<WorkspaceBuild> {
  if (number === undefined) return workspace.latest_build;
  try {
    return await client.workspaceBuildGetByNumber({
      params: { user: workspace.owner_id, workspaceName: workspace.name, buildNumber: number },
    });
  } catch (error) {
    if (!isFleetError(error, "not_found")) throw error;
    return client.workspaceBuildGet({ params: { build: number } });
  }
}
