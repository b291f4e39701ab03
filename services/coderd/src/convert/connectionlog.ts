import { FleetError, isUuid } from "@fleet/base";
import type { Connection } from "@fleet/proto-gen/proxy";
import type * as wire from "@fleet/sdk";
import type { ConnectionReport } from "../connectionlog/reports-store.js";
import type { ConnectionRow } from "../connectionlog/store.js";
import type { UserRow } from "../users/store.js";
import { toUser } from "./users.js";

export function toConnectionLog(row: ConnectionRow, found: UserRow | undefined): wire.ConnectionLog {
  const user = found ? toUser(found) : null;
  const web = row.type === "workspace_app" || row.type === "port_forwarding";
  const ended = row.disconnectedAt && {
    disconnect_time: row.disconnectedAt.toISOString(),
    ...(row.reason && { disconnect_reason: row.reason }),
  };
  return {
    id: row.id,
    connect_time: row.connectedAt.toISOString(),
    organization: {
      id: row.organizationId,
      name: row.organizationName,
      display_name: row.organizationDisplayName,
      icon: row.organizationIcon,
    },
    workspace_owner_id: row.ownerId,
    workspace_owner_username: row.ownerName,
    workspace_id: row.workspaceId,
    workspace_name: row.workspaceName,
    agent_name: row.agentName,
    ip: row.ip,
    type: row.type,
    user,
    user_agent: row.userAgent,
    ...(web
      ? { web_info: { user_agent: row.userAgent, user, slug_or_port: row.slugOrPort, status_code: ADMITTED } }
      : {
          ssh_info: {
            connection_id: row.connectionId,
            ...ended,
            ...(row.exitCode !== null && { exit_code: row.exitCode }),
          },
        }),
    ...ended,
  };
}

/** Only connections that were permitted are logged. */
const ADMITTED = 200;

/** The kinds that a proxy can tell apart. */
const REPORTED = ["ssh", "reconnecting_pty", "port_forwarding", "workspace_app"];

/** Throws `invalid_argument` for what no proxy of ours sends. */
export function toConnectionReport(report: Connection): ConnectionReport {
  const { connectionId, agentId, workspaceId, userId } = report;
  const ids = [connectionId, agentId, workspaceId, ...(userId ? [userId] : [])];
  if (!ids.every(isUuid) || !REPORTED.includes(report.type))
    throw new FleetError("invalid_argument", "The report of a connection is not valid.");
  return {
    connectionId,
    type: report.type,
    agentId,
    workspaceId,
    userId: userId || undefined,
    ip: report.ip,
    userAgent: report.userAgent,
    slugOrPort: report.slugOrPort,
    connectedAt: new Date(Number(report.connectedAtMs)),
    disconnectedAt: report.disconnectedAtMs === 0n ? undefined : new Date(Number(report.disconnectedAtMs)),
    reason: report.reason,
  };
}
