import { type Clock, createCachedValue } from "@fleet/base";
import { Gauge, type Registry } from "prom-client";
import type { Connections } from "../database/pool.js";
import { formatTags } from "../provisionerjobs/tags.js";
import { registerPrebuilds } from "./prebuilds.js";
import type { AgentNumbers, MetricsStore } from "./store.js";

/** How long the values read for one scrape are reused, for several or frequent collectors. */
const CACHE_MS = 15_000;

/** Shorter for the metrics that provisioners are autoscaled by, so that they follow a burst immediately. */
const DEMAND_CACHE_MS = 1_000;

type Sample<L extends string> = { labels: Record<L, string>; value: number };

export type DeploymentMetricsOptions = {
  registry: Registry;
  store: MetricsStore;
  connections(): Connections;
  clock: Clock;
  /** Labels of traffic and sessions, which are summed up over agents that share them; undefined to leave these out. */
  agentStats: readonly AgentLabel[] | undefined;
};

/** Adds a gauge that is reset and filled with what `read` returns on each scrape. */
export type AddGauge = <L extends string>(
  name: string,
  help: string,
  labelNames: L[],
  read: () => Promise<Sample<L>[]>,
) => void;

export function gaugesOn(registry: Registry): AddGauge {
  return (name, help, labelNames, read) => {
    new Gauge({
      name,
      help,
      labelNames,
      registers: [registry],
      async collect() {
        const samples = await read();
        this.reset();
        for (const { labels, value } of samples) this.set(labels, value);
      },
    });
  };
}

/** Gauges under upstream's metric names, read from the database on each scrape. */
export function registerDeploymentMetrics(options: DeploymentMetricsOptions): void {
  const { registry, store, connections, clock } = options;
  const now = () => clock.now();
  const cached = <T>(read: () => Promise<T>) => createCachedValue(clock, CACHE_MS, read);

  const gauge = gaugesOn(registry);

  const builds = cached(() => store.latestBuilds());
  gauge(
    "coderd_workspace_latest_build_status",
    "Workspaces by the transition and status of their latest build.",
    ["status", "template_name", "template_version", "workspace_owner", "workspace_transition"],
    async () =>
      (await builds()).map((row) => ({
        labels: {
          status: row.status,
          template_name: row.template,
          template_version: row.version,
          workspace_owner: row.owner,
          workspace_transition: row.transition,
        },
        value: row.count,
      })),
  );
  gauge(
    "coderd_api_workspace_latest_build",
    "Workspaces by the status of their latest build.",
    ["status"],
    async () => {
      const counts = new Map<string, number>();
      for (const { status, count } of await builds()) counts.set(status, (counts.get(status) ?? 0) + count);
      return [...counts].map(([status, value]) => ({ labels: { status }, value }));
    },
  );

  const agents = cached(() => store.agents(now()));
  gauge(
    "coderd_agents_up",
    "Agents of running workspaces.",
    ["template_name", "template_version", "username", "workspace_name"],
    async () =>
      (await agents()).map((row) => ({
        labels: {
          template_name: row.template,
          template_version: row.version,
          username: row.owner,
          workspace_name: row.workspace,
        },
        value: 1,
      })),
  );
  gauge(
    "coderd_agents_connections",
    "Agents by connection status and lifecycle state.",
    ["agent_name", "username", "workspace_name", "status", "lifecycle_state", "tailnet_node"],
    async () =>
      (await agents()).map((row) => ({
        labels: {
          agent_name: row.agent,
          username: row.owner,
          workspace_name: row.workspace,
          status: row.status,
          lifecycle_state: row.lifecycle,
          tailnet_node: "",
        },
        value: 1,
      })),
  );
  gauge(
    "coderd_agents_apps",
    "Apps by their health.",
    ["agent_name", "username", "workspace_name", "app_name", "health"],
    cached(async () =>
      (await store.apps(now())).map((row) => ({
        labels: {
          agent_name: row.agent,
          username: row.owner,
          workspace_name: row.workspace,
          app_name: row.app,
          health: row.health,
        },
        value: 1,
      })),
    ),
  );

  gauge(
    "coderd_api_total_user_count",
    "Users by their status.",
    ["status"],
    cached(async () =>
      (await store.users()).map(({ status, count }) => ({ labels: { status }, value: count })),
    ),
  );
  gauge(
    "coderd_api_active_users_duration_hour",
    "Users who used the API within the last hour.",
    [],
    cached(async () => [{ labels: {}, value: await store.activeUsers(now()) }]),
  );
  gauge(
    "coderd_provisionerd_num_daemons",
    "Connected provisioner daemons.",
    [],
    cached(async () => [{ labels: {}, value: await store.daemons(now()) }]),
  );
  gauge(
    "coderd_provisionerd_jobs_current",
    "Running provisioner jobs.",
    ["provisioner"],
    cached(async () =>
      (await store.runningJobs()).map(({ provisioner, count }) => ({
        labels: { provisioner },
        value: count,
      })),
    ),
  );
  gauge(
    "coderd_provisioner_jobs_wanted",
    "Pending and running jobs that daemons with these tags can run; use it to scale provisioners.",
    ["organization", "tags"],
    createCachedValue(clock, DEMAND_CACHE_MS, async () =>
      (await store.demand(now())).map(({ organization, tags, count }) => ({
        labels: { organization, tags: formatTags(tags) },
        value: count,
      })),
    ),
  );

  gauge(
    "coderd_template_rollout_percent",
    "Share of the workspaces that a rollout in progress gives its version; 0 once it has stopped.",
    ["organization_name", "template_name", "template_version", "status"],
    cached(async () =>
      (await store.rollouts()).map((row) => ({
        labels: {
          organization_name: row.organization,
          template_name: row.template,
          template_version: row.version,
          status: row.status,
        },
        value: row.percent,
      })),
    ),
  );

  registerPrebuilds(
    gauge,
    cached(() => store.prebuilds(now())),
  );

  gauge("coderd_db_pool_connections", "Postgres connections by state.", ["state"], async () => {
    const { idle, used, max } = connections();
    return Object.entries({ idle, used, max }).map(([state, value]) => ({ labels: { state }, value }));
  });
  gauge("coderd_db_pool_waiting", "Queries waiting for a Postgres connection.", [], async () => [
    { labels: {}, value: connections().waiting },
  ]);

  if (options.agentStats)
    registerAgentStats(
      gauge,
      options.agentStats,
      cached(() => store.agentStats(now())),
    );
}

export type AgentLabel = "agent_name" | "template_name" | "username" | "workspace_name";

function registerAgentStats(
  gauge: AddGauge,
  labels: readonly AgentLabel[],
  stats: () => Promise<AgentNumbers[]>,
): void {
  const fields = [
    ["connection_count", "Open connections to the agent.", "connections"],
    ["connection_median_latency_seconds", "Round-trip time from the agent to its proxy.", "latencySeconds"],
    ["rx_bytes", "Bytes received by the agent since its last report.", "rxBytes"],
    ["tx_bytes", "Bytes sent by the agent since its last report.", "txBytes"],
    ["session_count_ssh", "Active SSH sessions.", "ssh"],
    ["session_count_vscode", "Active VS Code sessions.", "vscode"],
    ["session_count_jetbrains", "Active JetBrains sessions.", "jetbrains"],
    ["session_count_reconnecting_pty", "Active web terminal sessions.", "reconnectingPty"],
  ] as const;
  const labelsOf = (row: AgentNumbers) => {
    const all = {
      agent_name: row.agent,
      template_name: row.template,
      username: row.owner,
      workspace_name: row.workspace,
    };
    return Object.fromEntries(labels.map((label) => [label, all[label]])) as Record<AgentLabel, string>;
  };
  for (const [name, help, field] of fields) {
    gauge(`coderd_agentstats_${name}`, help, [...labels], async () => {
      const groups = Map.groupBy(await stats(), (row) => JSON.stringify(labelsOf(row)));
      return [...groups.values()].map((rows) => {
        const sum = rows.reduce((total, row) => total + row[field], 0);
        return { labels: labelsOf(rows[0]!), value: field === "latencySeconds" ? sum / rows.length : sum };
      });
    });
  }
}
