import type { Workspace } from "@fleet/sdk";
import { Command } from "commander";
import type { Context } from "../../context.js";
import { type OutputOptions, printList, withListOutput } from "../../ui/output.js";
import type { Column } from "../../ui/table.js";
import { ago, until } from "../../ui/time.js";
import { activityText } from "../../workspace/activity.js";
import { findWorkspaces } from "../../workspace/find.js";
import { scheduleText, ttlText } from "../schedule/text.js";

export function workspaceColumns(context: Context): Column<Workspace>[] {
  const now = () => context.clock.now();
  return [
    { name: "favorite", extra: true, text: (workspace) => String(workspace.favorite) },
    {
      name: "workspace",
      text: ({ owner_name, name, favorite }) => `${favorite ? "★ " : ""}${owner_name}/${name}`,
    },
    { name: "organization id", extra: true, text: (workspace) => workspace.organization_id },
    { name: "organization name", extra: true, text: (workspace) => workspace.organization_name },
    { name: "template", text: (workspace) => workspace.template_name },
    { name: "status", text: (workspace) => statusText(context, workspace) },
    { name: "healthy", text: (workspace) => healthText(workspace) },
    { name: "last built", text: ({ latest_build }) => ago(latest_build.created_at, now()) },
    { name: "current version", text: ({ latest_build }) => latest_build.template_version_name },
    { name: "outdated", text: (workspace) => String(workspace.outdated) },
    { name: "starts at", extra: true, text: (workspace) => scheduleText(workspace.autostart_schedule) },
    { name: "starts next", extra: true, text: (workspace) => until(workspace.next_start_at, now()) },
    { name: "stops after", extra: true, text: (workspace) => ttlText(workspace.ttl_ms) },
    { name: "stops next", extra: true, text: ({ latest_build }) => until(latest_build.deadline, now()) },
    { name: "activity", extra: true, text: (workspace) => activityText(workspace, now()) },
    { name: "daily cost", extra: true, text: ({ latest_build }) => String(latest_build.daily_cost) },
  ];
}

function healthText({ latest_build, health }: Workspace): string {
  return latest_build.transition === "start" && latest_build.job.status === "succeeded"
    ? String(health.healthy)
    : "";
}

function statusText({ colors }: Context, workspace: Workspace): string {
  const { status } = workspace.latest_build;
  if (workspace.dormant_at) return "Dormant";
  const text = status[0]!.toUpperCase() + status.slice(1);
  if (status === "running") return colors.green(text);
  return status === "failed" ? colors.red(text) : text;
}

export function listCommand(context: Context): Command {
  const columns = workspaceColumns(context);
  return withListOutput(new Command("list").alias("ls").description("List workspaces"), columns)
    .option("-a, --all", "List the workspaces of all users")
    .option("--search <query>", "Search query, such as: template:docker status:running", "owner:me")
    .action(async (options: OutputOptions & { all?: boolean; search: string }) => {
      const { client } = await context.session();
      // --all replaces only the default search, not an explicit one.
      const q = options.all && options.search === "owner:me" ? "" : options.search;
      const workspaces = await findWorkspaces(client, q);
      if (workspaces.length === 0 && options.output === "table") {
        context.note("No workspaces found. Create one with: coder create <name>");
        return;
      }
      printList(context, options, columns, workspaces);
    });
}
