import type { Workspace, WorkspaceAgent } from "@fleet/sdk";
import { Command } from "commander";
import type { Context } from "../../context.js";
import { type OutputOptions, printJson, withTextOutput } from "../../ui/output.js";
import { renderTable } from "../../ui/table.js";
import { activityText, stopText } from "../../workspace/activity.js";
import { findWorkspace } from "../../workspace/find.js";

export function showCommand(context: Context): Command {
  return withTextOutput(new Command("show").description("Show the resources and agents of a workspace"))
    .argument("<workspace>")
    .option("--details", "Show resource metadata as well")
    .action(async (name: string, options: OutputOptions & { details?: boolean }) => {
      const { client } = await context.session();
      const workspace = await findWorkspace(client, name);
      if (options.output === "json") return printJson(context, workspace);
      context.print(summary(context, workspace));
      context.print("");
      context.print(resources(workspace, options.details === true));
    });
}

function summary({ colors, clock }: Context, workspace: Workspace): string {
  const { latest_build: build } = workspace;
  return [
    colors.bold(`${workspace.owner_name}/${workspace.name}`),
    `  template  ${workspace.template_name} ${build.template_version_name}${workspace.outdated ? " (outdated)" : ""}`,
    `  status    ${build.status}`,
    ...(workspace.activity
      ? [
          `  activity  ${activityText(workspace, clock.now()) || "none"}`,
          `  stops     ${stopText(workspace, clock.now())}`,
        ]
      : []),
  ].join("\n");
}

type Line = { resource: string; status: string; access: string };

function resources(workspace: Workspace, details: boolean): string {
  const lines: Line[] = [];
  for (const resource of workspace.latest_build.resources) {
    if (resource.hide && !details) continue;
    lines.push({ resource: `${resource.type}.${resource.name}`, status: "", access: "" });
    for (const item of details ? (resource.metadata ?? []) : []) {
      const value = item.sensitive ? "(sensitive)" : item.value;
      lines.push({ resource: `  ${item.key}`, status: value, access: "" });
    }
    for (const agent of resource.agents ?? []) {
      lines.push({
        resource: `└─ ${agent.name} (${agent.operating_system}, ${agent.architecture})`,
        status: agentStatus(agent),
        access: `coder ssh ${workspace.owner_name}/${workspace.name}.${agent.name}`,
      });
    }
  }
  return renderTable(
    [
      { name: "resource", text: (line: Line) => line.resource },
      { name: "status", text: (line: Line) => line.status },
      { name: "access", text: (line: Line) => line.access },
    ],
    lines,
  );
}

function agentStatus(agent: WorkspaceAgent): string {
  return agent.status === "connected" ? `${agent.status}, ${agent.lifecycle_state}` : agent.status;
}
