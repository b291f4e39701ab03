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
