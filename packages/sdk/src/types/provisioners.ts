import * as z from "zod";
import { Id, Label, map, maybe, Name, Timestamp } from "../wire.js";

export const ProvisionerJobStatus = z.enum([
  "pending",
  "running",
  "succeeded",
  "canceling",
  "canceled",
  "failed",
  "unknown",
]);
export type ProvisionerJobStatus = z.infer<typeof ProvisionerJobStatus>;

export const ProvisionerJobType = z.enum([
  "template_version_import",
  "workspace_build",
  "template_version_dry_run",
  "workspace_plan",
]);
export type ProvisionerJobType = z.infer<typeof ProvisionerJobType>;

export const ProvisionerJob = z.object({
  id: Id,
  created_at: Timestamp,
  started_at: Timestamp.optional(),
  completed_at: Timestamp.optional(),
  canceled_at: Timestamp.optional(),
  error: z.string().optional(),
  error_code: z.string().optional(),
  status: ProvisionerJobStatus,
  worker_id: z.string().optional(),
  worker_name: z.string().optional(),
  file_id: Id,
  tags: z.record(z.string(), z.string()),
  queue_position: z.number(),
  queue_size: z.number(),
  organization_id: Id,
  initiator_id: Id.optional(),
  input: z.object({
    template_version_id: Id.optional(),
    workspace_build_id: Id.optional(),
    error: z.string().optional(),
  }),
  type: ProvisionerJobType,
  available_workers: z.array(Id).optional(),
  metadata: z.object({
    template_version_name: z.string(),
    template_id: Id.optional(),
    template_name: z.string(),
    template_display_name: z.string(),
    template_icon: z.string(),
    workspace_id: Id.optional(),
    workspace_name: z.string().optional(),
  }),
  logs_overflowed: z.boolean().optional(),
});
export type ProvisionerJob = z.infer<typeof ProvisionerJob>;

export const ProvisionerJobLog = z.object({
  id: z.number(),
  created_at: Timestamp,
  log_source: z.enum(["provisioner_daemon", "provisioner"]),
  log_level: z.enum(["trace", "debug", "info", "warn", "error"]),
  stage: z.string(),
  output: z.string(),
});
export type ProvisionerJobLog = z.infer<typeof ProvisionerJobLog>;

/** How many daemons could take the job, whether or not they are busy. */
export const MatchedProvisioners = z.object({
  count: z.number(),
  available: z.number(),
  most_recently_seen: Timestamp.optional(),
});
export type MatchedProvisioners = z.infer<typeof MatchedProvisioners>;

export const ProvisionerDaemonJob = z.object({
  id: Id,
  status: ProvisionerJobStatus,
  template_name: z.string(),
  template_icon: z.string(),
  template_display_name: z.string(),
});
export type ProvisionerDaemonJob = z.infer<typeof ProvisionerDaemonJob>;

export const ProvisionerDaemon = z.object({
  id: Id,
  organization_id: Id,
  key_id: Id,
  key_name: z.string().nullish(),
  created_at: Timestamp,
  last_seen_at: Timestamp.optional(),
  name: z.string(),
  version: z.string(),
  api_version: z.string(),
  provisioners: z.array(z.string()),
  tags: z.record(z.string(), z.string()),
  status: z.enum(["offline", "idle", "busy"]).nullish(),
  current_job: ProvisionerDaemonJob.nullish(),
  previous_job: ProvisionerDaemonJob.nullish(),
});
export type ProvisionerDaemon = z.infer<typeof ProvisionerDaemon>;

export const ProvisionerKey = z.object({
  id: Id,
  created_at: Timestamp,
  organization: Id,
  name: z.string(),
  tags: z.record(z.string(), z.string()),
});
export type ProvisionerKey = z.infer<typeof ProvisionerKey>;

export const CreateProvisionerKeyRequest = z.object({
  name: Name,
  tags: maybe(map(Label)),
});
export type CreateProvisionerKeyRequest = z.input<typeof CreateProvisionerKeyRequest>;

/** The key is shown only once, here. */
export const CreateProvisionerKeyResponse = z.object({ key: z.string() });
export type CreateProvisionerKeyResponse = z.infer<typeof CreateProvisionerKeyResponse>;

export const ProvisionerKeyDaemons = z.object({ key: ProvisionerKey, daemons: z.array(ProvisionerDaemon) });
export type ProvisionerKeyDaemons = z.infer<typeof ProvisionerKeyDaemons>;
