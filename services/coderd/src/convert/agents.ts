import { formatLabel } from "@fleet/app-url";
import { isFleetError } from "@fleet/base";
import type * as wire from "@fleet/sdk";
import type { AgentLogLine } from "../agents/logs-store.js";
import type { MetadataItem } from "../agents/metadata.js";
import {
  type AppHealth,
  appHealth,
  type ConnectionStatus,
  connectionStatus,
  type LifecycleState,
  unhealthyReason,
} from "../agents/status.js";
import type { AgentRow } from "../agents/store.js";

const NS_PER_SECOND = 1e9;

/** Workspace details that appear in its agents. */
export type AgentPlace = { workspaceName: string; ownerName: string; wildcardHostname: string };

export function toAgent(agent: AgentRow, now: Date, place?: AgentPlace): wire.WorkspaceAgent {
  const status = connectionStatus(agent, now);
  const lifecycle = agent.lifecycleState as LifecycleState;
  const reason = unhealthyReason(status, lifecycle);
  return {
    id: agent.id,
    parent_id: agent.parentId,
    created_at: agent.createdAt.toISOString(),
    updated_at: agent.updatedAt.toISOString(),
    ...optionalTime("first_connected_at", agent.firstConnectedAt),
    ...optionalTime("last_connected_at", agent.lastConnectedAt),
    ...optionalTime("disconnected_at", agent.disconnectedAt),
    ...optionalTime("started_at", agent.startedAt),
    ...optionalTime("ready_at", agent.readyAt),
    status,
    lifecycle_state: lifecycle,
    name: agent.name,
    resource_id: agent.resourceId,
    ...(agent.instanceId ? { instance_id: agent.instanceId } : {}),
    architecture: agent.architecture,
    environment_variables: agent.environment as Record<string, string>,
    operating_system: agent.operatingSystem,
    logs_length: agent.logsLength,
    logs_overflowed: agent.logsOverflowed,
    directory: agent.directory,
    expanded_directory: agent.expandedDirectory,
    version: agent.version,
    api_version: agent.apiVersion,
    apps: agent.apps.map((app) => toApp(app, agent.name, status, place)),
    latency: {},
    connection_timeout_seconds: agent.connectionTimeoutSeconds,
    troubleshooting_url: agent.troubleshootingUrl,
    subsystems: agent.subsystems,
    health: { healthy: reason === undefined, ...(reason ? { reason } : {}) },
    display_apps: agent.displayApps,
    log_sources: agent.logSources.map((source) => ({
      workspace_agent_id: agent.id,
      id: source.id,
      created_at: source.createdAt.toISOString(),
      display_name: source.displayName,
      icon: source.icon,
    })),
    scripts: agent.scripts.map((script) => ({
      id: script.id,
      log_source_id: script.logSourceId,
      log_path: script.logPath,
      script: script.script,
      cron: script.cron,
      run_on_start: script.runOnStart,
      run_on_stop: script.runOnStop,
      start_blocks_login: script.startBlocksLogin,
      timeout: script.timeoutSeconds * NS_PER_SECOND,
      display_name: script.displayName,
    })),
    startup_script_behavior: agent.scripts.some((script) => script.startBlocksLogin)
      ? "blocking"
      : "non-blocking",
    ...(agent.sshHostPublicKey ? { ssh_host_public_key: agent.sshHostPublicKey } : {}),
  };
}

function optionalTime<K extends string>(key: K, at: Date | null): { [P in K]?: string } {
  return at ? ({ [key]: at.toISOString() } as { [P in K]?: string }) : {};
}

function toApp(
  app: AgentRow["apps"][number],
  agentName: string,
  connection: ConnectionStatus,
  place?: AgentPlace,
): wire.WorkspaceApp {
  return {
    id: app.id,
    url: app.url,
    external: app.external,
    slug: app.slug,
    display_name: app.displayName,
    command: app.command,
    icon: app.icon,
    subdomain: app.subdomain,
    ...(app.subdomain && place ? { subdomain_name: subdomainName(app.slug, agentName, place) } : {}),
    sharing_level: app.sharingLevel as wire.WorkspaceApp["sharing_level"],
    healthcheck: {
      url: app.healthcheckUrl,
      interval: app.healthcheckInterval,
      threshold: app.healthcheckThreshold,
    },
    health: appHealth(app.health as AppHealth, connection),
    hidden: app.hidden,
    open_in: app.openIn,
    group: app.group,
    tooltip: app.tooltip,
    statuses: [],
  };
}

/** The subdomain label of the app; empty if the names are too long or no wildcard hostname is set. */
function subdomainName(
  slug: string,
  agent: string,
  { workspaceName, ownerName, wildcardHostname }: AgentPlace,
): string {
  if (!wildcardHostname) return "";
  try {
    return formatLabel({ target: { slug }, agent, workspace: workspaceName, username: ownerName });
  } catch (error) {
    if (isFleetError(error, "invalid_argument")) return "";
    throw error;
  }
}

export function toAgentLog(line: AgentLogLine): wire.AgentLog {
  return {
    id: Number(line.id),
    created_at: line.createdAt.toISOString(),
    output: line.output,
    level: line.level as wire.LogLevel,
    source_id: line.logSourceId,
  };
}

export function toMetadata(item: MetadataItem, now: Date): wire.AgentMetadata {
  const age = Math.max(0, Math.round((now.getTime() - item.collectedAt.getTime()) / 1000));
  return {
    result: { collected_at: item.collectedAt.toISOString(), age, value: item.value, error: item.error },
    description: {
      display_name: item.displayName,
      key: item.key,
      script: item.script,
      interval: item.intervalSeconds,
      timeout: item.timeoutSeconds,
    },
  };
}
