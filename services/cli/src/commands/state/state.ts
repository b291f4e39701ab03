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
    .description("Read and replace the Terraform state of a workspace, to repair it")
    .addCommand(pullCommand(context))
    .addCommand(pushCommand(context));
}

function pullCommand(context: Context): Command {
  return new Command("pull")
    .description("Print the state, or write it to a file")
    .argument("<workspace>")
    .argument("[file]", "file to write; standard output when left out")
    .option("-b, --build <number>", "build whose state it is; the latest when left out")
    .action(async (name: string, file: string | undefined, options: Options) => {
      const { client } = await context.session();
      const build = await buildOf(client, await findWorkspace(client, name), options.build);
      const state = await (await client.workspaceBuildState({ params: { build: build.id } })).text();
      if (file === undefined || file === "-") return context.print(state);
      // A state holds secrets.
      await writeFile(file, state, { mode: 0o600 });
    });
}

function pushCommand(context: Context): Command {
  return new Command("push")
    .description("Build the workspace again from a state")
    .argument("<workspace>")
    .argument("<file>", "file of the state, or - for standard input")
    .option("-b, --build <number>", "build whose version and transition to take; the latest when left out")
    .option("-n, --no-build", "only put the state into that build")
    .action(async (name: string, file: string, options: { build?: string | false }) => {
      const { client } = await context.session();
      const state = file === "-" ? await buffer(context.io.stdin) : await readFile(file);
      const workspace = await findWorkspace(client, name);
      const build = await buildOf(client, workspace, options.build || undefined);
      const encoded = state.toString("base64");
      if (options.build === false) {
        await client.workspaceBuildStateUpdate({ params: { build: build.id }, body: { state: encoded } });
        return context.note("The state is replaced.");
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
