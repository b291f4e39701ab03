import type { PortShare, Workspace, WorkspaceAgent } from "@fleet/sdk";
import { parseWorkspaceName } from "@fleet/sdk/browser";
import { Command, InvalidArgumentError, Option } from "commander";
import type { Context, Session } from "../../context.js";
import { type OutputOptions, printList, withListOutput } from "../../ui/output.js";
import type { Column } from "../../ui/table.js";
import { chooseAgent, findWorkspace } from "../../workspace/find.js";

/** A port that a program listens on, that is shared, or both. */
type Port = {
  port: number;
  process_name: string;
  listening: boolean;
  share_level: PortShare["share_level"];
  protocol: PortShare["protocol"];
};

const COLUMNS: Column<Port>[] = [
  { name: "port", text: ({ port }) => String(port) },
  { name: "process", text: ({ process_name }) => process_name },
  { name: "listening", text: ({ listening }) => String(listening) },
  { name: "shared with", text: ({ share_level }) => share_level },
  { name: "protocol", text: ({ protocol }) => protocol },
];

const WORKSPACE = ["<workspace>", "[owner/]workspace[.agent]"] as const;

export function portsCommand(context: Context): Command {
  return new Command("ports")
    .alias("port")
    .description("List and share the ports of a workspace")
    .addCommand(listCommand(context))
    .addCommand(shareCommand(context))
    .addCommand(unshareCommand(context));
}

async function find(context: Context, name: string) {
  const session = await context.session();
  const workspace = await findWorkspace(session.client, name);
  return { session, workspace, agent: chooseAgent(workspace, parseWorkspaceName(name).agent) };
}

function listCommand(context: Context): Command {
  return withListOutput(
    new Command("list").alias("ls").description("List the ports that programs listen on or that are shared"),
    COLUMNS,
  )
    .argument(...WORKSPACE)
    .action(async (name: string, options: OutputOptions) => {
      const { session, workspace, agent } = await find(context, name);
      printList(context, options, COLUMNS, await portsOf(session, workspace, agent));
    });
}

async function portsOf({ client }: Session, workspace: Workspace, agent: WorkspaceAgent): Promise<Port[]> {
  const { shares } = await client.portShareList({ params: { workspace: workspace.id } });
  const { ports: listening } = await client.agentListeningPorts({ params: { agent: agent.id } });
  const ports = new Map<number, Port>();
  for (const { port, process_name } of listening)
    ports.set(port, { port, process_name, listening: true, share_level: "owner", protocol: "http" });
  for (const { port, agent_name, share_level, protocol } of shares) {
    if (agent_name !== agent.name) continue;
    const found = ports.get(port) ?? { process_name: "", listening: false };
    ports.set(port, { ...found, port, share_level, protocol });
  }
  return [...ports.values()].sort((a, b) => a.port - b.port);
}

function shareCommand(context: Context): Command {
  return new Command("share")
    .summary("Share a port with other users")
    .description("Share a port with other users, up to the level that the template allows")
    .argument(...WORKSPACE)
    .argument("<port>", "Port", portOf)
    .addOption(
      new Option("--level <level>", "Who can open the port")
        .choices(["organization", "authenticated", "public"])
        .default("authenticated"),
    )
    .addOption(
      new Option("--protocol <protocol>", "Protocol that the program speaks")
        .choices(["http", "https"])
        .default("http"),
    )
    .action(
      async (
        name: string,
        port: number,
        { level, protocol }: { level: PortShare["share_level"]; protocol: PortShare["protocol"] },
      ) => {
        const { session, workspace, agent } = await find(context, name);
        await session.client.portShareUpsert({
          params: { workspace: workspace.id },
          body: { agent_name: agent.name, port, share_level: level, protocol },
        });
        context.note(`Port ${port} of ${workspace.name} is shared: ${AUDIENCE[level]}.`);
        const url = await urlOf(session, workspace, agent, port, protocol);
        if (url) context.print(url);
      },
    );
}

const AUDIENCE: Record<PortShare["share_level"], string> = {
  owner: "only you can open it",
  organization: "members of its organization can open it",
  authenticated: "everyone who is signed in can open it",
  public: "everyone can open it, without signing in",
};

function unshareCommand(context: Context): Command {
  return new Command("unshare")
    .description("Stop sharing a port")
    .argument(...WORKSPACE)
    .argument("<port>", "Port", portOf)
    .action(async (name: string, port: number) => {
      const { session, workspace, agent } = await find(context, name);
      await session.client.portShareDelete({
        params: { workspace: workspace.id },
        body: { agent_name: agent.name, port },
      });
      context.note(`Port ${port} of ${workspace.name} is no longer shared.`);
    });
}

/** Where the port opens; undefined for a deployment without a wildcard host, where ports have no address. */
async function urlOf(
  { client, url }: Session,
  workspace: Workspace,
  agent: WorkspaceAgent,
  port: number,
  protocol: PortShare["protocol"],
): Promise<string | undefined> {
  const { host } = await client.applicationsHost();
  if (!host) return undefined;
  const name = `${port}${protocol === "https" ? "s" : ""}--${agent.name}--${workspace.name}--${workspace.owner_name}`;
  return `${new URL(url).protocol}//${host.replace("*", name)}/`;
}

function portOf(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port >= 1 && port <= 65_535) return port;
  throw new InvalidArgumentError("Must be a port from 1 to 65535.");
}
