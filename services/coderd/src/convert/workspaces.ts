import type * as wire from "@fleet/sdk";
import { connectionStatus, type LifecycleState, unhealthyReason } from "../agents/status.js";
import { PREBUILDS_USER_ID } from "../auth/system-users.js";
import type { BuildTimings, BuildView } from "../builds/service.js";
import type { StateVersion } from "../builds/state-store.js";
import type { ResourceRow } from "../resources/store.js";
import { EXTERNAL_AGENT } from "../resources/types.js";
import type { WorkspaceView } from "../workspaces/service.js";
import { toActivity } from "./activity.js";
import { type AgentPlace, toAgent } from "./agents.js";
import { toMatched, toProvisionerJob } from "./jobs.js";

/** Deployment details that appear in a workspace. */
export type Deployment = { wildcardHostname: string; now(): Date };

export function toBuild(view: BuildView, { wildcardHostname, now }: Deployment): wire.WorkspaceBuild {
  const { row, job } = view;
  const place = { workspaceName: row.workspaceName, ownerName: row.ownerName, wildcardHostname };
  return {
    id: row.id,
    created_at: row.createdAt.toISOString(),
    updated_at: row.updatedAt.toISOString(),
    workspace_id: row.workspaceId,
    workspace_name: row.workspaceName,
    workspace_owner_id: row.ownerId,
    workspace_owner_name: row.ownerName,
    workspace_owner_avatar_url: row.ownerAvatarUrl,
    template_version_id: row.versionId,
    template_version_name: row.versionName,
    template_version_preset_id: row.presetId,
    build_number: row.buildNumber,
    transition: row.transition,
    initiator_id: row.initiatorId,
    initiator_name: row.initiatorName,
    job: toProvisionerJob(job),
    reason: row.reason,
    resources: view.resources.map((resource) => toResource(resource, now(), place)),
    ...(row.deadline ? { deadline: row.deadline.toISOString() } : {}),
    ...(row.maxDeadline ? { max_deadline: row.maxDeadline.toISOString() } : {}),
    status: view.status,
    daily_cost: row.dailyCost,
    has_external_agent: view.resources.some(({ type }) => type === EXTERNAL_AGENT),
    ...toNextBuild(row),
    ...(job.matched ? { matched_provisioners: toMatched(job.matched) } : {}),
  };
}

function toNextBuild(row: BuildView["row"]): Pick<wire.WorkspaceBuild, "next_build"> {
  if (!row.nextVersionId) return {};
  const status = row.nextEndedAt === null ? "waiting" : row.nextBuildId ? "started" : "dropped";
  return {
    next_build: {
      transition: "start",
      status,
      template_version_id: row.nextVersionId,
      template_version_name: row.nextVersionName!,
      ...(row.nextBuildId ? { build_id: row.nextBuildId } : {}),
      ...(row.nextError ? { error: row.nextError } : {}),
    },
  };
}

export function toResource(row: ResourceRow, now: Date, place?: AgentPlace): wire.WorkspaceResource {
  const metadata = row.metadata as { key: string; value: string; sensitive: boolean }[];
  return {
    id: row.id,
    created_at: row.createdAt.toISOString(),
    job_id: row.jobId,
    workspace_transition: row.transition,
    type: row.type,
    name: row.name,
    hide: row.hide,
    icon: row.icon,
    agents: row.agents.map((agent) => toAgent(agent, now, place)),
    metadata: metadata.map(({ key, value, sensitive }) => ({ key, value, sensitive })),
    daily_cost: row.dailyCost,
  };
}

export function toWorkspace(
  { row, latest, sharedWith }: WorkspaceView,
  deployment: Deployment,
): wire.Workspace {
  const now = deployment.now();
  const agents = latest.status === "running" ? latest.resources.flatMap((resource) => resource.agents) : [];
  // An agent inside a dev container comes and goes with it, and says nothing of its workspace.
  const failing = agents.filter(
    (agent) =>
      agent.parentId === null &&
      unhealthyReason(connectionStatus(agent, now), agent.lifecycleState as LifecycleState) !== undefined,
  );
  return {
    id: row.id,
    created_at: row.createdAt.toISOString(),
    updated_at: row.updatedAt.toISOString(),
    owner_id: row.ownerId,
    owner_name: row.ownerName,
    owner_avatar_url: row.ownerAvatarUrl,
    organization_id: row.organizationId,
    organization_name: row.organizationName,
    template_id: row.templateId,
    template_name: row.templateName,
    template_display_name: row.templateDisplayName,
    template_icon: row.templateIcon,
    template_allow_user_cancel_workspace_jobs: row.templateAllowUserCancel,
    template_active_version_id: row.templateActiveVersionId,
    template_require_active_version: row.templateRequireActiveVersion,
    template_use_classic_parameter_flow: row.templateUseClassicParameterFlow,
    latest_build: toBuild(latest, deployment),
    latest_app_status: null,
    outdated: row.latestVersionId !== row.templateActiveVersionId,
    template_version_withdrawn: row.latestWithdrawn,
    name: row.name,
    ...(row.autostartSchedule ? { autostart_schedule: row.autostartSchedule } : {}),
    ttl_ms: row.ttlMs,
    last_used_at: row.lastUsedAt.toISOString(),
    deleting_at: row.deletingAt?.toISOString() ?? null,
    dormant_at: row.dormantAt?.toISOString() ?? null,
    health: { healthy: failing.length === 0, failing_agents: failing.map(({ id }) => id) },
    automatic_updates: row.automaticUpdates as wire.AutomaticUpdates,
    allow_renames: true,
    favorite: row.favorite,
    next_start_at: row.nextStartAt?.toISOString() ?? null,
    ...(row.scheduleFailures > 0
      ? {
          schedule_failure: {
            failures: row.scheduleFailures,
            error: row.scheduleError,
            retry_at: row.scheduleRetryAt?.toISOString() ?? null,
          },
        }
      : {}),
    is_prebuild: row.ownerId === PREBUILDS_USER_ID,
    ...(latest.status === "running" ? { activity: toActivity(row, latest, now) } : {}),
    ...(sharedWith.length > 0
      ? {
          shared_with: sharedWith.map(({ id, type, name, avatarUrl, roles }) => ({
            id,
            actor_type: type,
            name,
            avatar_url: avatarUrl,
            roles,
          })),
        }
      : {}),
  };
}

/** The states of one workspace, newest first. */
export function toStateVersions(states: readonly StateVersion[]): wire.WorkspaceStateVersion[] {
  const current = states.find(({ replacedAt }) => !replacedAt);
  return states.map((state) => ({
    build_id: state.buildId,
    build_number: state.buildNumber,
    version: state.version,
    origin: state.origin,
    ...(state.authorId && { author_id: state.authorId }),
    ...(state.authorName && { author_name: state.authorName }),
    created_at: state.createdAt.toISOString(),
    ...(state.replacedAt && { replaced_at: state.replacedAt.toISOString() }),
    current: state === current,
    size: state.size,
  }));
}

export function toBuildTimings({ provisioner, agents }: BuildTimings): wire.BuildTimings {
  return {
    provisioner_timings: provisioner.map((timing) => ({
      job_id: timing.jobId,
      started_at: timing.startedAt.toISOString(),
      ended_at: timing.endedAt.toISOString(),
      stage: timing.stage,
      source: timing.source,
      action: timing.action,
      resource: timing.resource,
    })),
    agent_script_timings: agents.flatMap((agent) =>
      agent.scripts.flatMap((script) =>
        script.timings.map((timing) => ({
          started_at: timing.startedAt.toISOString(),
          ended_at: timing.endedAt.toISOString(),
          exit_code: timing.exitCode,
          stage: timing.stage,
          status: timing.status,
          display_name: script.displayName,
          workspace_agent_id: agent.id,
          workspace_agent_name: agent.name,
        })),
      ),
    ),
    agent_connection_timings: agents.flatMap((agent) =>
      agent.firstConnectedAt
        ? [
            {
              started_at: agent.createdAt.toISOString(),
              ended_at: agent.firstConnectedAt.toISOString(),
              stage: "connect",
              workspace_agent_id: agent.id,
              workspace_agent_name: agent.name,
            },
          ]
        : [],
    ),
  };
}
