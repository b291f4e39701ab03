import type { ProvisionerDaemon, ProvisionerJob, ProvisionerKey } from "@fleet/sdk";
import type { Context } from "../../context.js";
import type { Column } from "../../ui/table.js";
import { ago } from "../../ui/time.js";
import { tagsText } from "./tags.js";

// The names are upstream's, so that scripts that ask for columns work.

/** Columns of `provisioner list`. */
export function daemonColumns(context: Context): Column<ProvisionerDaemon>[] {
  const now = () => context.clock.now();
  return [
    { name: "created at", text: (daemon) => ago(daemon.created_at, now()) },
    { name: "last seen at", text: (daemon) => ago(daemon.last_seen_at, now()) },
    { name: "key name", text: (daemon) => daemon.key_name ?? "" },
    { name: "name", text: (daemon) => daemon.name },
    { name: "version", text: (daemon) => daemon.version },
    { name: "status", text: (daemon) => daemon.status ?? "" },
    { name: "tags", text: (daemon) => tagsText(daemon.tags) },
    { name: "id", extra: true, text: (daemon) => daemon.id },
    { name: "organization id", extra: true, text: (daemon) => daemon.organization_id },
    { name: "api version", extra: true, text: (daemon) => daemon.api_version },
    ...jobOf("current job", (daemon) => daemon.current_job),
    ...jobOf("previous job", (daemon) => daemon.previous_job),
  ];
}

type DaemonJob = ProvisionerDaemon["current_job"];

function jobOf(name: string, pick: (daemon: ProvisionerDaemon) => DaemonJob): Column<ProvisionerDaemon>[] {
  const column = (field: string, text: (job: NonNullable<DaemonJob>) => string) => ({
    name: `${name} ${field}`,
    extra: true,
    text(daemon: ProvisionerDaemon) {
      const job = pick(daemon);
      return job ? text(job) : "";
    },
  });
  return [
    column("id", (job) => job.id),
    column("status", (job) => job.status),
    column("template name", (job) => job.template_name),
    column("template icon", (job) => job.template_icon),
    column("template display name", (job) => job.template_display_name),
  ];
}

/** Columns of `provisioner jobs list`. */
export function jobColumns(context: Context): Column<ProvisionerJob>[] {
  const time = (text: string | undefined) => (text ? ago(text, context.clock.now()) : "");
  const extra = true;
  return [
    { name: "created at", text: (job) => time(job.created_at) },
    { name: "id", text: (job) => job.id },
    { name: "type", text: (job) => job.type },
    {
      name: "template display name",
      text: (job) => job.metadata.template_display_name || job.metadata.template_name,
    },
    { name: "status", text: (job) => job.status },
    {
      name: "queue",
      text: (job) => (job.queue_position > 0 ? `${job.queue_position}/${job.queue_size}` : ""),
    },
    { name: "tags", text: (job) => tagsText(job.tags) },
    { name: "started at", extra, text: (job) => time(job.started_at) },
    { name: "completed at", extra, text: (job) => time(job.completed_at) },
    { name: "canceled at", extra, text: (job) => time(job.canceled_at) },
    { name: "error", extra, text: (job) => job.error ?? "" },
    { name: "error code", extra, text: (job) => job.error_code ?? "" },
    { name: "worker id", extra, text: (job) => job.worker_id ?? "" },
    { name: "worker name", extra, text: (job) => job.worker_name ?? "" },
    { name: "file id", extra, text: (job) => job.file_id },
    { name: "queue position", extra, text: (job) => String(job.queue_position) },
    { name: "queue size", extra, text: (job) => String(job.queue_size) },
    { name: "organization id", extra, text: (job) => job.organization_id },
    { name: "initiator id", extra, text: (job) => job.initiator_id ?? "" },
    { name: "template version id", extra, text: (job) => job.input.template_version_id ?? "" },
    { name: "workspace build id", extra, text: (job) => job.input.workspace_build_id ?? "" },
    { name: "available workers", extra, text: (job) => (job.available_workers ?? []).join(" ") },
    { name: "template version name", extra, text: (job) => job.metadata.template_version_name },
    { name: "template id", extra, text: (job) => job.metadata.template_id ?? "" },
    { name: "template name", extra, text: (job) => job.metadata.template_name },
    { name: "template icon", extra, text: (job) => job.metadata.template_icon },
    { name: "workspace id", extra, text: (job) => job.metadata.workspace_id ?? "" },
    { name: "workspace name", extra, text: (job) => job.metadata.workspace_name ?? "" },
  ];
}

/** Columns of `provisioner keys list`. */
export function keyColumns(context: Context): Column<ProvisionerKey>[] {
  return [
    { name: "created at", text: (key) => ago(key.created_at, context.clock.now()) },
    { name: "name", text: (key) => key.name },
    { name: "tags", text: (key) => tagsText(key.tags) },
    { name: "id", extra: true, text: (key) => key.id },
  ];
}
