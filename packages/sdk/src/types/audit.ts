import * as z from "zod";
import { Id, Timestamp } from "../wire.js";
import { User } from "./users.js";

export const AuditLog = z.object({
  id: Id,
  request_id: Id,
  time: Timestamp,
  ip: z.string(),
  user_agent: z.string(),
  resource_type: z.string(),
  resource_id: Id,
  resource_target: z.string(),
  resource_icon: z.string(),
  action: z.string(),
  /** The values of a secret field are blank. */
  diff: z.record(
    z.string(),
    z.object({ old: z.unknown().optional(), new: z.unknown().optional(), secret: z.boolean() }),
  ),
  status_code: z.number(),
  additional_fields: z.record(z.string(), z.unknown()).nullish(),
  description: z.string(),
  resource_link: z.string(),
  is_deleted: z.boolean(),
  organization_id: Id,
  organization: z.object({ id: Id, name: z.string(), display_name: z.string(), icon: z.string() }).optional(),
  user: User.nullable(),
});
export type AuditLog = z.infer<typeof AuditLog>;

export const AuditLogsResponse = z.object({ audit_logs: z.array(AuditLog), count: z.number() });
export type AuditLogsResponse = z.infer<typeof AuditLogsResponse>;

export const ConnectionType = z.enum([
  "ssh",
  "vscode",
  "jetbrains",
  "reconnecting_pty",
  "port_forwarding",
  "workspace_app",
]);

export const ConnectionLog = z.object({
  id: Id,
  connect_time: Timestamp,
  organization: z.object({ id: Id, name: z.string(), display_name: z.string(), icon: z.string() }),
  workspace_owner_id: Id,
  workspace_owner_username: z.string(),
  workspace_id: Id,
  workspace_name: z.string(),
  agent_name: z.string(),
  ip: z.string(),
  type: ConnectionType,
  /** Who connected. Null for a visitor of a public app. Not upstream's: there only the users of apps are known. */
  user: User.nullable(),
  user_agent: z.string(),
  /** Of visits to apps, and of port forwards, whose target it names. */
  web_info: z
    .object({
      user_agent: z.string(),
      user: User.nullable(),
      slug_or_port: z.string(),
      status_code: z.number(),
    })
    .optional(),
  /** Of all other connections. Times and exit code are absent while it is open. */
  ssh_info: z
    .object({
      connection_id: Id,
      disconnect_time: Timestamp.optional(),
      disconnect_reason: z.string().optional(),
      exit_code: z.number().optional(),
    })
    .optional(),
  /** When it ended, and why if not in order. Absent while it is open. */
  disconnect_time: Timestamp.optional(),
  disconnect_reason: z.string().optional(),
});
export type ConnectionLog = z.infer<typeof ConnectionLog>;

export const ConnectionLogsResponse = z.object({
  connection_logs: z.array(ConnectionLog),
  count: z.number(),
});
export type ConnectionLogsResponse = z.infer<typeof ConnectionLogsResponse>;
