import * as z from "zod";
import { raw, route } from "../route.js";
import { AuditLogsResponse, ConnectionLogsResponse } from "../types/index.js";
import { paging, Search } from "../wire.js";

/** One JSON object per line. */
const JSON_LINES = "application/x-ndjson";

export const auditRoutes = {
  auditList: route({
    method: "GET",
    path: "/api/v2/audit",
    summary:
      "List audit log entries; `q` filters by resource_type:, action:, username:, date_from: and more.",
    access: { resource: "audit_log", action: "read" },
    query: z.object({ q: Search.optional(), ...paging }),
    response: AuditLogsResponse,
  }),
  auditExport: route({
    method: "GET",
    path: "/api/v2/audit/export",
    summary: "Export audit log entries as JSON lines, oldest first; `q` filters as in the list.",
    access: { resource: "audit_log", action: "read" },
    query: z.object({ q: Search.optional() }),
    response: raw(JSON_LINES),
  }),
  connectionLogList: route({
    method: "GET",
    path: "/api/v2/connectionlog",
    summary:
      "List connections to workspaces; `q` filters by workspace_owner:, username:, type:, status:, connected_after: and more.",
    access: { resource: "connection_log", action: "read" },
    query: z.object({ q: Search.optional(), ...paging }),
    response: ConnectionLogsResponse,
  }),
  connectionLogExport: route({
    method: "GET",
    path: "/api/v2/connectionlog/export",
    summary: "Export connections to workspaces as JSON lines, oldest first; `q` filters as in the list.",
    access: { resource: "connection_log", action: "read" },
    query: z.object({ q: Search.optional() }),
    response: raw(JSON_LINES),
  }),
};
