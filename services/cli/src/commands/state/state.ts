import { readFile, writeFile } from "node:fs/promises";
import { buffer } from "node:stream/consumers";
import { FleetError, isFleetError } from "@fleet/base";
import type { Client, Workspace, WorkspaceBuild, WorkspaceStateVersion } from "@fleet/sdk";
import { Command } from "commander";
import type { Context } from "../../context.js";
import { type OutputOptions, printList, withListOutput } from "../../ui/output.js";
import { askConsent } from "../../ui/prompt.js";
import type { Column } from "../../ui/table.js";
import { ago } from "../../ui/time.js";
import { createBuild, followBuild } from "../../workspace/build.js";
import { findWorkspace } from "../../workspace/find.js";
import { instancesOf, parseState, removeFrom, type State } from "./edit.js";

type Options = { build?: string };

export function stateCommand(context: Context): Command {
  return new Command("state")
    .description("Inspect, edit and restore the Terraform state of a workspace")
    .addCommand(listCommand(context))
    .addCommand(showCommand(context))
    .addCommand(pullCommand(context))
    .addCommand(pushCommand(context))
    .addCommand(removeCommand(context))
    .addCommand(historyCommand(context))
    .addCommand(restoreCommand(context));
}

function pullCommand(context: Context): Command {
  return new Command("pull")
    .description("Print the Terraform state or write it to a file")
    .argument("<workspace>")
    .argument("[file]", "File to write (default: standard output)")
    .option("-b, --build <number>", "Number of the build (default: the latest)")
    .option("--version <version>", "State to pull, as shown by coder state history")
    .action(async (name: string, file: string | undefined, options: Options & { version?: string }) => {
      const { client } = await context.session();
      const workspace = await findWorkspace(client, name);
      const state = options.version
        ? await textOf(client, await versionOf(client, workspace, options.version))
        : await currentOf(client, await buildOf(client, workspace, options.build));
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
    .option("-f, --force", "Push a state that is older or belongs to other resources")
    .action(async (name: string, file: string, options: { build?: string | false; force?: boolean }) => {
      const { client } = await context.session();
      const state = file === "-" ? await buffer(context.io.stdin) : await readFile(file);
      const workspace = await findWorkspace(client, name);
      const build = await buildOf(client, workspace, options.build || undefined);
      await client.workspaceBuildStateUpdate({
        params: { build: workspace.latest_build.id },
        body: { state: state.toString("base64"), force: options.force },
      });
      context.note(`Replaced the state. To undo this: coder state restore ${name}`);
      if (options.build === false) return;
      const { transition, template_version_id } = build;
      await followBuild(context, await createBuild(client, workspace, { transition, template_version_id }));
    });
}

function listCommand(context: Context): Command {
  const columns: Column<{ address: string }>[] = [{ name: "address", text: ({ address }) => address }];
  return withListOutput(
    new Command("list").alias("ls").description("List the resources in the state"),
    columns,
  )
    .argument("<workspace>")
    .action(async (name: string, options: OutputOptions) => {
      const { client } = await context.session();
      const { latest_build } = await findWorkspace(client, name);
      const state = parseState(await currentOf(client, latest_build));
      const rows = instancesOf(state).map(({ address }) => ({ address }));
      // As Terraform prints it, for scripts: without a header unless columns are asked for.
      if (options.output === "json" || options.column) return printList(context, options, columns, rows);
      for (const { address } of rows) context.print(address);
    });
}

function showCommand(context: Context): Command {
  return new Command("show")
    .description("Print the attributes of a resource in the state, including sensitive values")
    .argument("<workspace>")
    .argument("<address>", "Address of the resource, as shown by coder state list")
    .action(async (name: string, address: string) => {
      const { client } = await context.session();
      const { latest_build } = await findWorkspace(client, name);
      const found = instancesOf(parseState(await currentOf(client, latest_build))).find(
        (instance) => instance.address === address,
      );
      if (!found) {
        throw new FleetError(
          "not_found",
          `The state has no resource ${address}. List its resources with: coder state list ${name}`,
        );
      }
      context.print(JSON.stringify(found.instance.attributes ?? {}, undefined, 2));
    });
}

function removeCommand(context: Context): Command {
  return new Command("rm")
    .description("Remove resources from the state without destroying them")
    .argument("<workspace>")
    .argument("<address...>", "Addresses of resources or modules, as shown by coder state list")
    .option("-y, --yes", "Do not ask for confirmation")
    .action(async (name: string, addresses: string[], options: { yes?: boolean }) => {
      const { client } = await context.session();
      const { latest_build } = await findWorkspace(client, name);
      const before = parseState(await currentOf(client, latest_build));
      const { state, removed } = removeFrom(before, addresses);
      context.note(`Removed from the state, but not destroyed:\n  ${removed.join("\n  ")}`);
      await askConsent(context, "Continue? No workspace will manage these resources any more.", options.yes);
      await store(client, latest_build, state, { expected_serial: before.serial ?? 0 });
      context.note(`Replaced the state. To undo this: coder state restore ${name}`);
    });
}

function historyCommand(context: Context): Command {
  const columns: Column<WorkspaceStateVersion>[] = [
    { name: "version", text: nameOf },
    { name: "current", text: ({ current }) => (current ? "yes" : "") },
    { name: "created", text: ({ created_at }) => ago(created_at, context.clock.now()) },
    { name: "origin", text: ({ origin }) => origin },
    { name: "author", text: ({ author_name }) => author_name ?? "" },
    { name: "size", text: ({ size }) => `${size} B` },
  ];
  return withListOutput(
    new Command("history").description("List the states of a workspace that are kept, newest first"),
    columns,
  )
    .argument("<workspace>")
    .action(async (name: string, options: OutputOptions) => {
      const { client } = await context.session();
      const { id } = await findWorkspace(client, name);
      const states = await client.workspaceStateList({ params: { workspace: id } });
      printList(context, options, columns, states);
    });
}

function restoreCommand(context: Context): Command {
  return new Command("restore")
    .description("Make an earlier state the current one")
    .argument("<workspace>")
    .argument("[version]", "State to restore, as shown by coder state history (default: the previous one)")
    .option("-y, --yes", "Do not ask for confirmation")
    .action(async (name: string, version: string | undefined, options: { yes?: boolean }) => {
      const { client } = await context.session();
      const workspace = await findWorkspace(client, name);
      const chosen = await versionOf(client, workspace, version);
      const text = await textOf(client, chosen);
      await askConsent(
        context,
        `Restore the state ${nameOf(chosen)}, stored ${ago(chosen.created_at, context.clock.now())}?`,
        options.yes,
      );
      // Its serial stays: what it is compared with from now on is this state.
      await client.workspaceBuildStateUpdate({
        params: { build: workspace.latest_build.id },
        body: { state: Buffer.from(text).toString("base64"), force: true },
      });
      context.note(`Restored the state ${nameOf(chosen)}. The next build of the workspace starts from it.`);
    });
}

/** `3.2`: the second state of build 3. */
function nameOf({ build_number, version }: WorkspaceStateVersion): string {
  return `${build_number}.${version}`;
}

/** The state with this name, the newest of a build for its number alone, or else the one before the current one. */
async function versionOf(
  client: Client,
  workspace: Workspace,
  name: string | undefined,
): Promise<WorkspaceStateVersion> {
  const states = await client.workspaceStateList({ params: { workspace: workspace.id } });
  const found =
    name === undefined
      ? states.find((state) => !state.current)
      : states.find((state) => nameOf(state) === name || String(state.build_number) === name);
  if (found) return found;
  const which = name === undefined ? "an earlier state" : `a state ${name}`;
  throw new FleetError(
    "not_found",
    `Workspace ${workspace.name} does not have ${which}. List its states with: coder state history ${workspace.name}`,
  );
}

async function textOf(client: Client, { build_id, version }: WorkspaceStateVersion): Promise<string> {
  return (await client.workspaceBuildState({ params: { build: build_id }, query: { version } })).text();
}

async function currentOf(client: Client, build: WorkspaceBuild): Promise<string> {
  return (await client.workspaceBuildState({ params: { build: build.id } })).text();
}

async function store(
  client: Client,
  build: WorkspaceBuild,
  state: State,
  how: { expected_serial: number },
): Promise<void> {
  const text = JSON.stringify(state, undefined, 2);
  await client.workspaceBuildStateUpdate({
    params: { build: build.id },
    body: { state: Buffer.from(text).toString("base64"), ...how },
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
