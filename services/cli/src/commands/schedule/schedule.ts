import { FleetError, formatDuration, parseDuration } from "@fleet/base";
import type { Workspace } from "@fleet/sdk";
import { Command } from "commander";
import type { Context } from "../../context.js";
import { type OutputOptions, printList, withListOutput } from "../../ui/output.js";
import type { Column } from "../../ui/table.js";
import { clockTime, until } from "../../ui/time.js";
import { findWorkspace, findWorkspaces } from "../../workspace/find.js";
import { cronOf, parseSchedule, scheduleText, ttlText } from "./text.js";

export function scheduleCommand(context: Context): Command {
  return new Command("schedule")
    .description("Manage automatic start and stop of workspaces")
    .addCommand(showCommand(context))
    .addCommand(startCommand(context))
    .addCommand(stopCommand(context))
    .addCommand(extendCommand(context));
}

function columns(context: Context): Column<Workspace>[] {
  const now = () => context.clock.now();
  return [
    { name: "workspace", text: ({ owner_name, name }) => `${owner_name}/${name}` },
    { name: "starts at", text: (workspace) => scheduleText(workspace.autostart_schedule) },
    { name: "starts next", text: (workspace) => until(workspace.next_start_at, now()) },
    { name: "stops after", text: (workspace) => ttlText(workspace.ttl_ms) },
    { name: "stops next", text: ({ latest_build }) => until(latest_build.deadline, now()) },
  ];
}

function showCommand(context: Context): Command {
  return withListOutput(new Command("show").description("Show workspace schedules"), columns(context))
    .argument("[workspace]", "Workspace (default: all of yours)")
    .option("-a, --all", "Show the workspaces of all users")
    .option("--search <query>", "Search query", "owner:me")
    .action(async (name: string | undefined, options: OutputOptions & { all?: boolean; search: string }) => {
      const { client } = await context.session();
      const q = options.all ? "" : options.search;
      const workspaces = name ? [await findWorkspace(client, name)] : await findWorkspaces(client, q);
      printList(context, options, columns(context), workspaces);
    });
}

function startCommand(context: Context): Command {
  return new Command("start")
    .description(
      "Set when a workspace starts automatically, such as: coder schedule start my-workspace 9:30AM Mon-Fri Europe/Berlin",
    )
    .argument("<workspace>")
    .argument("<when...>", "Time of day, weekdays and time zone; or manual")
    .action(async (name: string, when: string[]) => {
      const { client } = await context.session();
      const workspace = await findWorkspace(client, name);
      const schedule = isManual(when[0]!) ? "" : cronOf(parseSchedule(when, localZone()));
      await client.workspaceAutostartUpdate({ params: { workspace: workspace.id }, body: { schedule } });
      context.note(
        schedule
          ? `${workspace.name} starts at ${scheduleText(schedule)}.`
          : `${workspace.name} no longer starts automatically.`,
      );
    });
}

function stopCommand(context: Context): Command {
  return new Command("stop")
    .description(
      "Set how long a workspace runs before it stops automatically, such as: coder schedule stop my-workspace 8h",
    )
    .argument("<workspace>")
    .argument("<duration>", "Duration such as 8h or 1h30m; or manual")
    .action(async (name: string, text: string) => {
      const { client } = await context.session();
      const workspace = await findWorkspace(client, name);
      const ttl_ms = isManual(text) ? null : parseDuration(text);
      await client.workspaceTtlUpdate({ params: { workspace: workspace.id }, body: { ttl_ms } });
      context.note(
        ttl_ms
          ? `${workspace.name} stops ${formatDuration(ttl_ms)} after each start${runOf(workspace, context)}.`
          : `${workspace.name} no longer stops automatically.`,
      );
    });
}

/** What the new limit, which takes effect at the next start, leaves unchanged. */
function runOf({ latest_build }: Workspace, context: Context): string {
  if (latest_build.status !== "running") return "";
  const { deadline } = latest_build;
  return deadline
    ? `. Takes effect at the next start; it now runs until ${clockTime(deadline)}`
    : `. Takes effect at the next start; ${context.colors.bold("the current run does not stop automatically")}`;
}

function extendCommand(context: Context): Command {
  return new Command("extend")
    .aliases(["override-stop"])
    .description("Extend the deadline of a running workspace, such as: coder schedule extend my-workspace 2h")
    .argument("<workspace>")
    .argument("<duration>", "Time from now, such as 2h")
    .action(async (name: string, text: string) => {
      const { client } = await context.session();
      const workspace = await findWorkspace(client, name);
      const ms = parseDuration(text);
      if (ms <= 0) throw new FleetError("invalid_argument", "The duration must be greater than zero.");
      const deadline = new Date(context.clock.now().getTime() + ms).toISOString();
      await client.workspaceExtend({ params: { workspace: workspace.id }, body: { deadline } });
      context.note(`${workspace.name} runs until ${clockTime(deadline)}.`);
    });
}

function isManual(word: string): boolean {
  return word === "manual" || word === "off" || word === "never";
}

function localZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}
