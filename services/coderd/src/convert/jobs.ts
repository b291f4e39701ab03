import type * as wire from "@fleet/sdk";
import type { ListedDaemon } from "../provisionerdaemons/service.js";
import { BUILT_IN_KEYS } from "../provisionerdaemons/service.js";
import type { DaemonJob } from "../provisionerdaemons/store.js";
import type { JobLog } from "../provisionerjobs/store.js";
import type { JobView, MatchedProvisioners } from "../provisionerjobs/view-store.js";

export function toProvisionerJob(job: JobView): wire.ProvisionerJob {
  return {
    id: job.id,
    created_at: job.createdAt.toISOString(),
    ...(job.startedAt ? { started_at: job.startedAt.toISOString() } : {}),
    ...(job.completedAt ? { completed_at: job.completedAt.toISOString() } : {}),
    ...(job.canceledAt ? { canceled_at: job.canceledAt.toISOString() } : {}),
    ...(job.error ? { error: job.error } : {}),
    ...(job.errorCode ? { error_code: job.errorCode } : {}),
    status: job.status,
    ...(job.workerId ? { worker_id: job.workerId } : {}),
    ...(job.workerName ? { worker_name: job.workerName } : {}),
    file_id: job.fileId,
    tags: { ...job.tags },
    queue_position: job.queuePosition,
    queue_size: job.queueSize,
    organization_id: job.organizationId,
    initiator_id: job.initiatorId,
    input: job.workspaceBuildId
      ? { workspace_build_id: job.workspaceBuildId }
      : job.templateVersionId
        ? { template_version_id: job.templateVersionId }
        : {},
    type: job.type,
    available_workers: job.availableWorkers,
    metadata: {
      template_version_name: job.templateVersionName ?? "",
      ...(job.templateId ? { template_id: job.templateId } : {}),
      template_name: job.templateName ?? "",
      template_display_name: job.templateDisplayName ?? "",
      template_icon: job.templateIcon ?? "",
      ...(job.workspaceId ? { workspace_id: job.workspaceId } : {}),
      ...(job.workspaceName ? { workspace_name: job.workspaceName } : {}),
    },
    logs_overflowed: job.logsOverflowed,
  };
}

export function toMatched(matched: MatchedProvisioners): wire.MatchedProvisioners {
  return {
    count: matched.count,
    available: matched.available,
    ...(matched.mostRecentlySeen ? { most_recently_seen: matched.mostRecentlySeen.toISOString() } : {}),
  };
}

export function toJobLog(line: JobLog): wire.ProvisionerJobLog {
  return {
    id: Number(line.id),
    created_at: line.createdAt.toISOString(),
    log_source: line.source as wire.ProvisionerJobLog["log_source"],
    log_level: line.level as wire.ProvisionerJobLog["log_level"],
    stage: line.stage,
    output: line.output,
  };
}

/** Converts each line of a log stream. */
export async function* toJobLogs(lines: AsyncIterable<JobLog>): AsyncGenerator<wire.ProvisionerJobLog> {
  for await (const line of lines) yield toJobLog(line);
}

export function toDaemon(daemon: ListedDaemon): wire.ProvisionerDaemon {
  return {
    id: daemon.id,
    organization_id: daemon.organizationId,
    key_id: daemon.keyId,
    key_name:
      daemon.keyName ?? Object.values(BUILT_IN_KEYS).find(({ id }) => id === daemon.keyId)?.name ?? "",
    created_at: daemon.createdAt.toISOString(),
    ...(daemon.lastSeenAt ? { last_seen_at: daemon.lastSeenAt.toISOString() } : {}),
    name: daemon.name,
    version: daemon.version,
    api_version: daemon.apiVersion,
    provisioners: daemon.provisioners,
    tags: { ...daemon.tags },
    status: daemon.status,
    ...(daemon.currentJob ? { current_job: toDaemonJob(daemon.currentJob) } : {}),
    ...(daemon.previousJob ? { previous_job: toDaemonJob(daemon.previousJob) } : {}),
  };
}

function toDaemonJob(job: DaemonJob): wire.ProvisionerDaemonJob {
  return {
    id: job.id,
    status: job.status,
    template_name: job.templateName,
    template_icon: job.templateIcon,
    template_display_name: job.templateDisplayName,
  };
}
