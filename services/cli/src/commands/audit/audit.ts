import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream } from "node:stream/web";
import { formatDuration } from "@fleet/base";
import type { AuditLog, ConnectionLog } from "@fleet/sdk";
import { Command } from "commander";
import type { Context } from "../../context.js";
import { firstPages } from "../../pages.js";
import { countOf } from "../../ui/number-option.js";
import { type OutputOptions, printList, withListOutput } from "../../ui/output.js";
import type { Column } from "../../ui/table.js";
import { ago } from "../../ui/time.js";

type ListOptions = OutputOptions & { search?: string; limit: number };

/** Entries that `list` shows unless told otherwise. */
const SHOWN = 25;

export function auditCommand(context: Context): Command {
  const columns = auditColumns(context);
  const list = withListOutput(
    new Command("list").alias("ls").description("List audit log entries, latest first"),
    columns,
  ).action(async (options: ListOptions) => {
    const { client } = await context.session();
    const entries = await firstPages(options.limit, async (limit, offset) => {
      const page = await client.auditList({ query: { q: options.search, limit, offset } });
      return { items: page.audit_logs, count: page.count };
    });
    printList(context, options, columns, entries);
  });
  const exports = new Command("export")
    .description("Write audit log entries to standard output as JSON lines, oldest first")
    .action(async ({ search }: { search?: string }) => {
      const { client } = await context.session();
      await copyOut(context, await client.auditExport({ query: { q: search } }));
    });
  const search =
    "Only entries that match, for example 'resource_type:template action:write username:ana date_from:2026-01-31'";
  return new Command("audit")
    .description("Read the audit log")
    .addCommand(withLimit(list.option("-s, --search <query>", search)))
    .addCommand(exports.option("-s, --search <query>", search));
}

export function connectionLogCommand(context: Context): Command {
  const columns = connectionColumns(context);
  const list = withListOutput(
    new Command("list").alias("ls").description("List connections to workspaces, latest first"),
    columns,
  ).action(async (options: ListOptions) => {
    const { client } = await context.session();
    const entries = await firstPages(options.limit, async (limit, offset) => {
      const page = await client.connectionLogList({ query: { q: options.search, limit, offset } });
      return { items: page.connection_logs, count: page.count };
    });
    printList(context, options, columns, entries);
  });
  const exports = new Command("export")
    .description("Write connections to standard output as JSON lines, oldest first")
    .action(async ({ search }: { search?: string }) => {
      const { client } = await context.session();
      await copyOut(context, await client.connectionLogExport({ query: { q: search } }));
    });
  const search =
    "Only connections that match, for example 'type:ssh username:ana status:ongoing connected_after:2026-01-31'";
  return new Command("connection-log")
    .description("Read who was connected to which workspace")
    .addCommand(withLimit(list.option("-s, --search <query>", search)))
    .addCommand(exports.option("-s, --search <query>", search));
}

function withLimit(command: Command): Command {
  return command.option("-l, --limit <count>", "Maximum number of results", countOf({ min: 1 }), SHOWN);
}

/** As it arrives: an export may be larger than the memory. */
async function copyOut({ io }: Context, { body }: Response): Promise<void> {
  if (body) await pipeline(Readable.fromWeb(body as ReadableStream<Uint8Array>), io.stdout, { end: false });
}

function auditColumns(context: Context): Column<AuditLog>[] {
  return [
    { name: "time", text: (entry) => ago(entry.time, context.clock.now()) },
    { name: "user", text: (entry) => entry.user?.username ?? "" },
    { name: "action", text: (entry) => entry.action },
    { name: "resource type", text: (entry) => entry.resource_type },
    { name: "resource", text: (entry) => entry.resource_target },
    { name: "status", text: (entry) => String(entry.status_code) },
    { name: "ip", text: (entry) => entry.ip },
    { name: "changed", extra: true, text: (entry) => Object.keys(entry.diff).join(", ") },
    { name: "organization", extra: true, text: (entry) => entry.organization?.name ?? "" },
    { name: "request id", extra: true, text: (entry) => entry.request_id },
    { name: "id", extra: true, text: (entry) => entry.id },
  ];
}

function connectionColumns(context: Context): Column<ConnectionLog>[] {
  const lasted = ({ connect_time, disconnect_time }: ConnectionLog) =>
    Date.parse(disconnect_time ?? context.clock.now().toISOString()) - Date.parse(connect_time);
  return [
    { name: "connected", text: (entry) => ago(entry.connect_time, context.clock.now()) },
    { name: "user", text: (entry) => entry.user?.username ?? "" },
    { name: "workspace", text: (entry) => `${entry.workspace_owner_username}/${entry.workspace_name}` },
    { name: "type", text: (entry) => entry.type },
    { name: "app", text: (entry) => entry.web_info?.slug_or_port ?? "" },
    { name: "ip", text: (entry) => entry.ip },
    {
      name: "duration",
      text: (entry) =>
        `${formatDuration(Math.max(0, lasted(entry)))}${entry.disconnect_time ? "" : " (open)"}`,
    },
    { name: "exit code", text: (entry) => String(entry.ssh_info?.exit_code ?? "") },
    { name: "reason", extra: true, text: (entry) => entry.disconnect_reason ?? "" },
    { name: "agent", extra: true, text: (entry) => entry.agent_name },
    { name: "user agent", extra: true, text: (entry) => entry.user_agent },
    { name: "connection id", extra: true, text: (entry) => entry.ssh_info?.connection_id ?? "" },
    { name: "id", extra: true, text: (entry) => entry.id },
  ];
}
