import type { AgentLog, Client, ProvisionerJobLog, WorkspaceAgent, WorkspaceBuild } from "@fleet/sdk";
import { Command } from "commander";
import type { Context } from "../../context.js";
import { allPages, logPages } from "../../pages.js";
import { type OutputOptions, printList, withListOutput } from "../../ui/output.js";
import type { Column } from "../../ui/table.js";
import { ago } from "../../ui/time.js";
import { buildLog } from "../../workspace/build.js";
import { findWorkspace } from "../../workspace/find.js";
import { afterLine, followToEnd } from "../../workspace/follow.js";

type Options = { follow?: boolean; buildNumber?: string };

export function logsCommand(context: Context): Command {
  return new Command("logs")
    .description("Print the logs of a workspace's build and agents")
    .argument("<workspace>")
    .option("-f, --follow", "Follow the logs until the build has ended and, for agents, until Ctrl-C")
    .option("-n, --build-number <number>", "Number of the build (default: the latest)")
    .action(async (name: string, options: Options) => {
      const { client } = await context.session();
      const workspace = await findWorkspace(client, name);
      const build = options.buildNumber
        ? await client.workspaceBuildGetByNumber({
            params: {
              user: workspace.owner_id,
              workspaceName: workspace.name,
              buildNumber: options.buildNumber,
            },
          })
        : workspace.latest_build;
      await printBuild(context, client, build, options.follow === true);
      const agents = build.resources.flatMap((resource) => resource.agents ?? []);
      await Promise.all(agents.map((agent) => printAgent(context, client, agent, options.follow === true)));
    });
}

async function printBuild(
  context: Context,
  client: Client,
  build: WorkspaceBuild,
  follow: boolean,
): Promise<void> {
  const params = { build: build.id };
  const print = (log: ProvisionerJobLog) =>
    context.print(`${log.created_at} [${log.log_level}] [${log.log_source}|${log.stage}] ${log.output}`);
  if (follow) {
    for await (const log of buildLog(context, client, build.id)) print(log);
    return;
  }
  const pages = logPages((after) => client.workspaceBuildLogs({ params, ...afterLine(after) }));
  for await (const page of pages) for (const log of page) print(log);
}

async function printAgent(
  context: Context,
  client: Client,
  agent: WorkspaceAgent,
  follow: boolean,
): Promise<void> {
  const params = { agent: agent.id };
  const sources = new Map(agent.log_sources.map((source) => [source.id, source.display_name]));
  const batches = follow
    ? followToEnd<readonly AgentLog[]>(context, {
        open: (after) => client.agentLogsFollow({ params, signal: context.signal, ...afterLine(after) }),
        lastOf: (batch) => batch.at(-1)?.id,
        ended: async () => true,
      })
    : logPages<AgentLog>((after) => client.agentLogs({ params, ...afterLine(after) }));
  for await (const batch of batches) {
    for (const log of batch) {
      const source = sources.get(log.source_id) ?? "agent";
      context.print(`${log.created_at} [${log.level}] [agent.${agent.name}|${source}] ${log.output}`);
    }
  }
  if (agent.logs_overflowed) {
    context.note(
      context.colors.yellow(
        `The log of agent ${agent.name} exceeded its size limit: later output was dropped.`,
      ),
    );
  }
}

function columns(context: Context): Column<WorkspaceBuild>[] {
  return [
    { name: "build", text: (build) => `${build.workspace_name}#${build.build_number}` },
    { name: "transition", text: (build) => build.transition },
    { name: "status", text: (build) => build.job.status },
    { name: "reason", text: (build) => build.reason },
    { name: "version", text: (build) => build.template_version_name },
    { name: "initiator", text: (build) => build.initiator_name },
    { name: "created", text: (build) => ago(build.created_at, context.clock.now()) },
    { name: "id", extra: true, text: (build) => build.id },
  ];
}

export function buildsCommand(context: Context): Command {
  const list = withListOutput(
    new Command("list").alias("ls").description("List builds, latest first"),
    columns(context),
  )
    .argument("<workspace>")
    .action(async (name: string, options: OutputOptions) => {
      const { client } = await context.session();
      const { id } = await findWorkspace(client, name);
      const builds = await allPages(async (offset) => ({
        items: await client.workspaceBuildList({ params: { workspace: id }, query: { offset } }),
      }));
      printList(context, options, columns(context), builds);
    });
  return new Command("builds").description("Manage workspace builds").addCommand(list);
}
