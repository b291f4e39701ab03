import { FleetError } from "@fleet/base";
import type { Client, ExternalAgentCredentials, Workspace } from "@fleet/sdk";
import { parseWorkspaceName } from "@fleet/sdk/browser";
import { Command } from "commander";
import type { Context } from "../../context.js";
import { type OutputOptions, printJson, printList, withListOutput, withTextOutput } from "../../ui/output.js";
import { findWorkspace, findWorkspaces } from "../../workspace/find.js";
import { createCommand } from "./create.js";
import { workspaceColumns } from "./list.js";

const EXTERNAL = "coder_external_agent";

type Credentials = ExternalAgentCredentials & { agent_name: string };

/** Workspaces whose agents users start on machines of their own. */
export function externalWorkspacesCommand(context: Context): Command {
  return new Command("external-workspaces")
    .description("Create and manage workspaces on machines that Coder does not provision")
    .addCommand(createExternalCommand(context))
    .addCommand(instructionsCommand(context))
    .addCommand(listExternalCommand(context));
}

function createExternalCommand(context: Context): Command {
  return createCommand(context, {
    requireVersion({ has_external_agent, name }) {
      if (has_external_agent) return;
      throw new FleetError(
        "failed_precondition",
        `Template version ${name} has no external agent. Use: coder create`,
      );
    },
    async onCreated(workspace) {
      const { client } = await context.session();
      const found = await client.workspaceGet({ params: { workspace: workspace.id } });
      for (const name of externalAgentsOf(found)) {
        printInstructions(context, await credentialsOf(client, found, name));
      }
    },
  }).description("Create a workspace with an external agent");
}

function instructionsCommand(context: Context): Command {
  return withTextOutput(
    new Command("agent-instructions")
      .description("Print the command that starts an external agent")
      .argument("<workspace>", "[owner/]workspace[.agent]"),
  ).action(async (text: string, { output }: OutputOptions) => {
    const { client } = await context.session();
    const workspace = await findWorkspace(client, text);
    const agent = chooseExternal(workspace, parseWorkspaceName(text).agent);
    const credentials = await credentialsOf(client, workspace, agent);
    if (output === "json") printJson(context, credentials);
    else printInstructions(context, credentials);
  });
}

function listExternalCommand(context: Context): Command {
  const columns = workspaceColumns(context);
  return withListOutput(new Command("list").alias("ls").description("List external workspaces"), columns)
    .option("-a, --all", "List the workspaces of all users")
    .option("--search <query>", "Search query, such as: template:metal status:running", "owner:me")
    .action(async (options: OutputOptions & { all?: boolean; search: string }) => {
      const { client } = await context.session();
      const search = options.all && options.search === "owner:me" ? "" : options.search;
      const workspaces = await findWorkspaces(client, `has-external-agent:true ${search}`.trim());
      if (workspaces.length === 0 && options.output === "table") {
        context.note(
          "No external workspaces found. Create one with: coder external-workspaces create <name>",
        );
        return;
      }
      printList(context, options, columns, workspaces);
    });
}

function externalAgentsOf({ latest_build }: Workspace): string[] {
  const external = latest_build.resources.filter(({ type }) => type === EXTERNAL);
  return external.flatMap(({ agents = [] }) => agents.map(({ name }) => name));
}

function chooseExternal(workspace: Workspace, name: string | undefined): string {
  const names = externalAgentsOf(workspace);
  const [only] = names;
  if (only === undefined) {
    throw new FleetError("failed_precondition", `Workspace ${workspace.name} has no external agent.`);
  }
  if (name !== undefined) {
    const found = names.find((each) => each === name);
    if (found) return found;
    throw new FleetError(
      "not_found",
      `Workspace ${workspace.name} has no external agent "${name}". Valid values: ${names.join(", ")}.`,
    );
  }
  if (names.length === 1) return only;
  throw new FleetError(
    "invalid_argument",
    `Workspace ${workspace.name} has several external agents: ${names.join(", ")}. Specify one, such as ${workspace.name}.${only}.`,
  );
}

async function credentialsOf(client: Client, { id }: Workspace, agentName: string): Promise<Credentials> {
  const params = { workspace: id, agentName };
  return { agent_name: agentName, ...(await client.workspaceExternalAgentCredentials({ params })) };
}

function printInstructions(context: Context, { agent_name, command }: Credentials): void {
  context.note(`Run this command on the machine of the agent ${context.colors.bold(agent_name)}:`);
  context.print(command);
}
