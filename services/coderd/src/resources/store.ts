import { randomUUID } from "node:crypto";
import { agentInclude } from "../agents/store.js";
import { hashToken } from "../auth/tokens.js";
import type { Database, Transaction } from "../database/client.js";
import type { Prisma } from "../database/gen/client.js";
import { toJson } from "../database/json.js";
import type { JobResources, NewAgent } from "./types.js";

const include = {
  agents: { include: agentInclude, orderBy: [{ displayOrder: "asc" }, { name: "asc" }] },
} satisfies Prisma.WorkspaceResourceInclude;

/** A resource with its agents and their apps, scripts and log sources. */
export type ResourceRow = Prisma.WorkspaceResourceGetPayload<{ include: typeof include }>;

/** Storage of the resources that jobs have created. */
export type ResourceStore = {
  /** The resources of each job. */
  ofJobs(jobIds: readonly string[]): Promise<Map<string, ResourceRow[]>>;
};

export function createResourceStore(db: Database): ResourceStore {
  return {
    async ofJobs(jobIds) {
      if (jobIds.length === 0) return new Map();
      const rows = await db.workspaceResource.findMany({
        where: { jobId: { in: [...jobIds] } },
        include,
        orderBy: [{ name: "asc" }, { type: "asc" }],
      });
      return Map.groupBy(rows, (row) => row.jobId);
    },
  };
}

/** Stores the resources of any number of jobs in one statement. */
export async function insertResources(
  tx: Transaction,
  jobs: readonly JobResources[],
  now: Date,
): Promise<void> {
  const rows = toRows(jobs);
  if (rows.resources.length === 0) return;
  await tx.$executeRaw`
    WITH input AS (SELECT ${toJson(rows)}::jsonb AS j),
    resource AS (
      INSERT INTO workspace_resources (id, job_id, transition, type, name, address, module_path, hide, icon, instance_type,
        daily_cost, metadata, created_at)
      SELECT id, job_id, transition, type, name, address, module_path, hide, icon, instance_type, daily_cost, metadata, ${now}
      FROM input, jsonb_to_recordset(j->'resources') AS x(id uuid, job_id uuid, transition build_transition, type text,
        name text, address text, module_path text, hide boolean, icon text, instance_type text, daily_cost int, metadata jsonb)
    ), agent AS (
      INSERT INTO workspace_agents (id, resource_id, workspace_id, parent_id, name, token_hash, instance_id, operating_system,
        architecture, directory, environment, connection_timeout_seconds, troubleshooting_url, motd_file, display_apps,
        display_order, api_key_scope, devcontainers, created_at, updated_at)
      SELECT id, resource_id, workspace_id, parent_id, name, decode(token_hash, 'hex'), instance_id, operating_system, architecture,
        directory, environment, connection_timeout_seconds, troubleshooting_url, motd_file,
        ARRAY(SELECT jsonb_array_elements_text(display_apps)), display_order, api_key_scope, devcontainers, ${now}, ${now}
      FROM input, jsonb_to_recordset(j->'agents') AS x(id uuid, resource_id uuid, workspace_id uuid, parent_id uuid, name text,
        token_hash text, instance_id text, operating_system text, architecture text, directory text, environment jsonb,
        connection_timeout_seconds int, troubleshooting_url text, motd_file text, display_apps jsonb, display_order int,
        api_key_scope text, devcontainers jsonb)
    ), monitor AS (
      INSERT INTO workspace_agent_monitors (agent_id, path, threshold, updated_at)
      SELECT agent_id, path, threshold, ${now}
      FROM input, jsonb_to_recordset(j->'monitors') AS x(agent_id uuid, path text, threshold int)
    ), app AS (
      INSERT INTO workspace_apps (agent_id, slug, display_name, icon, command, url, external, subdomain, sharing_level,
        healthcheck_url, healthcheck_interval, healthcheck_threshold, health, hidden, open_in, "group", tooltip, display_order)
      SELECT agent_id, slug, display_name, icon, command, url, external, subdomain, sharing_level, healthcheck_url,
        healthcheck_interval, healthcheck_threshold, health, hidden, open_in, "group", tooltip, display_order
      FROM input, jsonb_to_recordset(j->'apps') AS x(agent_id uuid, slug text, display_name text, icon text, command text,
        url text, external boolean, subdomain boolean, sharing_level text, healthcheck_url text, healthcheck_interval int,
        healthcheck_threshold int, health text, hidden boolean, open_in text, "group" text, tooltip text, display_order int)
    ), log_source AS (
      INSERT INTO workspace_agent_log_sources (id, agent_id, display_name, icon, created_at)
      SELECT log_source_id, agent_id, display_name, icon, ${now}
      FROM input, jsonb_to_recordset(j->'scripts') AS x(log_source_id uuid, agent_id uuid, display_name text, icon text)
    ), script AS (
      INSERT INTO workspace_agent_scripts (id, agent_id, log_source_id, display_name, script, cron, run_on_start, run_on_stop,
        start_blocks_login, timeout_seconds, log_path, after)
      SELECT id, agent_id, log_source_id, display_name, script, cron, run_on_start, run_on_stop, start_blocks_login,
        timeout_seconds, log_path, after
      FROM input, jsonb_to_recordset(j->'scripts') AS x(id uuid, agent_id uuid, log_source_id uuid, display_name text,
        script text, cron text, run_on_start boolean, run_on_stop boolean, start_blocks_login boolean, timeout_seconds int,
        log_path text, after jsonb)
    )
    INSERT INTO workspace_agent_metadata (agent_id, key, display_name, script, interval_seconds, timeout_seconds, display_order)
    SELECT agent_id, key, display_name, script, interval_seconds, timeout_seconds, display_order
    FROM input, jsonb_to_recordset(j->'metadata') AS x(agent_id uuid, key text, display_name text, script text,
      interval_seconds bigint, timeout_seconds bigint, display_order int)`;
}

type Rows = Record<
  "resources" | "agents" | "monitors" | "apps" | "scripts" | "metadata",
  Record<string, unknown>[]
>;

function toRows(jobs: readonly JobResources[]): Rows {
  const rows: Rows = { resources: [], agents: [], monitors: [], apps: [], scripts: [], metadata: [] };
  for (const { jobId, transition, workspaceId, resources } of jobs) {
    for (const resource of resources) {
      const id = randomUUID();
      rows.resources.push({
        id,
        job_id: jobId,
        transition,
        type: resource.type,
        name: resource.name,
        address: resource.address,
        module_path: resource.modulePath,
        hide: resource.hide,
        icon: resource.icon,
        instance_type: resource.instanceType,
        daily_cost: resource.dailyCost,
        metadata: resource.metadata,
      });
      for (const agent of resource.agents) addAgent(rows, agent, { resourceId: id, workspaceId });
    }
  }
  return rows;
}

type AgentPlace = { resourceId: string; workspaceId: string | null; parentId?: string };

/** Adds the agent's rows, and those of the agents in its dev containers. Returns the agent's id. */
function addAgent(rows: Rows, agent: NewAgent, place: AgentPlace): string {
  const { workspaceId } = place;
  const id = randomUUID();
  const { auth } = agent;
  rows.agents.push({
    id,
    resource_id: place.resourceId,
    workspace_id: workspaceId,
    parent_id: place.parentId ?? null,
    name: agent.name,
    // Agents that were only planned must not be able to authenticate.
    token_hash: workspaceId && auth && "token" in auth ? hashToken(auth.token).toString("hex") : null,
    instance_id: auth && "instanceId" in auth ? auth.instanceId : null,
    operating_system: agent.operatingSystem,
    architecture: agent.architecture,
    directory: agent.directory,
    environment: agent.environment,
    connection_timeout_seconds: agent.connectionTimeoutSeconds,
    troubleshooting_url: agent.troubleshootingUrl,
    motd_file: agent.motdFile,
    display_apps: agent.displayApps,
    display_order: agent.displayOrder,
    api_key_scope: agent.apiKeyScope,
    devcontainers: agent.devcontainers.map((devcontainer) => ({
      name: devcontainer.name,
      workspace_folder: devcontainer.workspaceFolder,
      config_path: devcontainer.configPath,
      subagent_id: addAgent(rows, devcontainer.agent, { ...place, parentId: id }),
    })),
  });
  for (const { path, threshold } of agent.monitors) rows.monitors.push({ agent_id: id, path, threshold });
  for (const app of agent.apps) {
    rows.apps.push({
      agent_id: id,
      slug: app.slug,
      display_name: app.displayName,
      icon: app.icon,
      command: app.command,
      url: app.url,
      external: app.external,
      subdomain: app.subdomain,
      sharing_level: app.sharingLevel,
      healthcheck_url: app.healthcheck?.url ?? "",
      healthcheck_interval: app.healthcheck?.intervalSeconds ?? 0,
      healthcheck_threshold: app.healthcheck?.threshold ?? 0,
      health: app.healthcheck?.url ? "initializing" : "disabled",
      hidden: app.hidden,
      open_in: app.openIn,
      group: app.group,
      tooltip: app.tooltip,
      display_order: app.displayOrder,
    });
  }
  const scripts = agent.scripts.map((script) => ({ ...script, id: randomUUID() }));
  const scriptIds = new Map(scripts.map((script) => [script.address, script.id]));
  for (const script of scripts) {
    rows.scripts.push({
      id: script.id,
      agent_id: id,
      log_source_id: randomUUID(),
      display_name: script.displayName,
      icon: script.icon,
      script: script.script,
      cron: script.cron,
      run_on_start: script.runOnStart,
      run_on_stop: script.runOnStop,
      start_blocks_login: script.startBlocksLogin,
      timeout_seconds: script.timeoutSeconds,
      log_path: script.logPath,
      after: script.after.flatMap(({ address, anyOutcome }) => {
        const first = scriptIds.get(address);
        return first ? [{ script_id: first, any_outcome: anyOutcome }] : [];
      }),
    });
  }
  for (const item of agent.metadata) {
    rows.metadata.push({
      agent_id: id,
      key: item.key,
      display_name: item.displayName,
      script: item.script,
      interval_seconds: item.intervalSeconds,
      timeout_seconds: item.timeoutSeconds,
      display_order: item.displayOrder,
    });
  }
  return id;
}
