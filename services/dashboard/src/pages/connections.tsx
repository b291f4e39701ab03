import type { ConnectionLog } from "@fleet/sdk";
import { useQuery } from "@tanstack/react-query";
import { Cable } from "lucide-react";
import { Link } from "react-router";
import { connectionsQuery } from "../api/admin.js";
import { ExportLink } from "../modules/admin/export-link.js";
import { CONNECTION_KEYS } from "../modules/admin/filters.js";
import { Ago, duration } from "../modules/format/time.js";
import { usePermissions } from "../modules/session/session.js";
import { Filter, faultOfSearch } from "../modules/ui/filter.js";
import { Allowed } from "../modules/ui/forbidden.js";
import { useListSearch } from "../modules/ui/list-search.js";
import { Empty, Page, PageHeader, useTitle } from "../modules/ui/page.js";
import { Paging } from "../modules/ui/paging.js";
import { Pill } from "../modules/ui/pill.js";
import { Table } from "../modules/ui/table.js";
import { workspacePath } from "../paths.js";

const PAGE_SIZE = 50;

const TYPES: Record<ConnectionLog["type"], string> = {
  ssh: "SSH",
  vscode: "VS Code",
  jetbrains: "JetBrains",
  reconnecting_pty: "Web terminal",
  port_forwarding: "Port forward",
  workspace_app: "App",
};

/** `/connectionlog?q=&page=`: who was connected to which workspace. */
export function ConnectionsPage() {
  useTitle("Connection log");
  return (
    <Allowed allowed={usePermissions().readConnections}>
      <Connections />
    </Allowed>
  );
}

function Connections() {
  const { q, page, setQuery, setPage } = useListSearch();
  const found = useQuery(connectionsQuery({ q, limit: PAGE_SIZE, offset: (page - 1) * PAGE_SIZE }));
  const fault = faultOfSearch(found.error);
  return (
    <Page width="fluid">
      <PageHeader
        title="Connection log"
        lead="SSH, editors, terminals, port forwards and visits to apps."
        actions={<ExportLink path="/api/v2/connectionlog/export" q={q} name="connections.jsonl" />}
      />
      <div className="flex">
        <Filter
          label="Search the connection log"
          placeholder="Search, or use type:ssh, status:ongoing"
          query={q}
          onChange={setQuery}
          keys={CONNECTION_KEYS}
          error={found.error}
        />
      </div>
      <Table
        label="Connection log"
        rows={fault ? [] : found.data?.connection_logs}
        keyOf={({ id }) => id}
        error={fault ? undefined : found.error}
        onRetry={() => void found.refetch()}
        busy={found.isPlaceholderData}
        empty={
          <Empty icon={<Cable aria-hidden />} title={q ? "No matching connections" : "No connections"} />
        }
        columns={[
          {
            id: "time",
            title: "Connected",
            width: "8.5rem",
            cell: ({ connect_time }) => <Ago time={connect_time} />,
          },
          {
            id: "user",
            title: "User",
            width: "minmax(0, 8rem)",
            cell: ({ user }) => <span className="block truncate">{user?.username ?? "Visitor"}</span>,
          },
          {
            id: "workspace",
            title: "Workspace",
            width: "minmax(0, 2fr)",
            from: "sm",
            cell: ({ workspace_owner_username: owner_name, workspace_name: name }) => (
              <Link
                to={workspacePath({ owner_name, name })}
                className="block w-fit max-w-full truncate rounded hover:underline"
              >
                {owner_name}/{name}
              </Link>
            ),
          },
          { id: "type", title: "Type", width: "minmax(0, 9rem)", cell: (one) => <Type connection={one} /> },
          {
            id: "length",
            title: "Duration",
            width: "7rem",
            from: "md",
            cell: ({ connect_time, disconnect_time }) =>
              disconnect_time ? (
                duration(Math.max(0, Date.parse(disconnect_time) - Date.parse(connect_time)))
              ) : (
                <Pill tone="ok">Open</Pill>
              ),
          },
          {
            id: "end",
            title: "Result",
            width: "minmax(0, 12rem)",
            from: "lg",
            cell: (connection) => <span className="block truncate text-muted">{resultOf(connection)}</span>,
          },
          {
            id: "ip",
            title: "Address",
            width: "minmax(0, 8rem)",
            from: "xl",
            cell: ({ ip }) => <span className="block truncate font-mono text-sm">{ip}</span>,
          },
        ]}
      />
      <Paging page={page} size={PAGE_SIZE} count={found.data?.count ?? 0} onChange={setPage} />
    </Page>
  );
}

function Type({ connection: { type, web_info } }: { connection: ConnectionLog }) {
  return (
    <span className="block truncate">
      {TYPES[type]}
      {web_info?.slug_or_port && <span className="text-muted"> {web_info.slug_or_port}</span>}
    </span>
  );
}

function resultOf({ web_info, ssh_info, disconnect_reason }: ConnectionLog): string {
  if (disconnect_reason) return disconnect_reason;
  if (ssh_info?.exit_code !== undefined) return `Exit code ${ssh_info.exit_code}`;
  if (web_info && web_info.status_code > 0) return `HTTP ${web_info.status_code}`;
  return "";
}
