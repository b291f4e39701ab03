import { type AppHealth, appHealth, type ConnectionTimes, connectionStatus } from "../agents/status.js";
import type { Database } from "../database/client.js";
import { Prisma } from "../database/gen/client.js";
import { daemonOnline, JOB_STATUS, PENDING, RUNNING, SUCCEEDED } from "../provisionerjobs/predicates.js";
import { covers, type Tags } from "../provisionerjobs/tags.js";
import { type PresetNumbers, readPrebuilds } from "./prebuilds-store.js";

/** One query per family of gauges, over active records: workspaces not deleted, agents of latest builds. */

const HOUR_MS = 3_600_000;
/** Agents without a report for this long are left out. */
const STATS_FRESH_MS = 2 * 60_000;

type Owned = { owner: string; workspace: string };

/** Source of the gauges' values. */
export type MetricsStore = {
  latestBuilds(): Promise<LatestBuilds[]>;
  agents(now: Date): Promise<LiveAgent[]>;
  apps(now: Date): Promise<LiveApp[]>;
  users(): Promise<{ status: string; count: number }[]>;
  activeUsers(now: Date): Promise<number>;
  daemons(now: Date): Promise<number>;
  runningJobs(): Promise<{ provisioner: string; count: number }[]>;
  demand(now: Date): Promise<Demand[]>;
  agentStats(now: Date): Promise<AgentNumbers[]>;
  rollouts(): Promise<OpenRollout[]>;
  prebuilds(now: Date): Promise<PresetNumbers[]>;
  /** The builds that these jobs ran. */
  endedBuilds(jobIds: readonly string[]): Promise<EndedBuild[]>;
};

export function createMetricsStore(db: Database): MetricsStore {
  return {
    latestBuilds: () => readLatestBuilds(db),
    agents: (now) => readAgents(db, now),
    apps: (now) => readApps(db, now),
    users: () => readUsers(db),
    activeUsers: (now) => readActiveUsers(db, now),
    daemons: (now) => readDaemons(db, now),
    runningJobs: () => readRunningJobs(db),
    demand: (now) => readDemand(db, now),
    agentStats: (now) => readAgentStats(db, now),
    rollouts: () => readRollouts(db),
    prebuilds: (now) => readPrebuilds(db, now),
    endedBuilds: (jobIds) => readEndedBuilds(db, jobIds),
  };
}

export type OpenRollout = {
  organization: string;
  template: string;
  version: string;
  status: string;
  percent: number;
};

function readRollouts(db: Database): Promise<OpenRollout[]> {
  return db.$queryRaw`
    SELECT o.name AS organization, t.name AS template, v.name AS version, ro.status,
      CASE WHEN ro.status = 'stopped' THEN 0 ELSE ro.steps[ro.step + 1] END AS percent
    FROM template_rollouts ro JOIN template_versions v ON v.id = ro.version_id
    JOIN templates t ON t.id = ro.template_id JOIN organizations o ON o.id = t.organization_id
    WHERE ro.ended_at IS NULL`;
}

export type LatestBuilds = {
  status: string;
  transition: string;
  template: string;
  version: string;
  owner: string;
  count: number;
};

function readLatestBuilds(db: Database): Promise<LatestBuilds[]> {
  return db.$queryRaw`
    SELECT ${JOB_STATUS} AS status, b.transition::text AS transition, t.name AS template, v.name AS version,
      u.username AS owner, count(*)::int AS count
    FROM workspaces w JOIN workspace_builds b ON b.id = w.latest_build_id JOIN provisioner_jobs j ON j.id = b.job_id
    JOIN templates t ON t.id = w.template_id JOIN template_versions v ON v.id = b.template_version_id
    JOIN users u ON u.id = w.owner_id
    WHERE NOT w.deleted GROUP BY 1, 2, 3, 4, 5`;
}

/** Agents of running workspaces, as the API defines running: the latest build is a successful start. */
const LIVE_AGENTS = Prisma.sql`workspaces w
  JOIN workspace_builds b ON b.id = w.latest_build_id AND b.transition = 'start'
  JOIN provisioner_jobs j ON j.id = b.job_id AND ${SUCCEEDED}
  JOIN workspace_resources r ON r.job_id = b.job_id
  JOIN workspace_agents a ON a.resource_id = r.id
  JOIN users u ON u.id = w.owner_id`;

export type LiveAgent = Owned & {
  agent: string;
  template: string;
  version: string;
  lifecycle: string;
  status: string;
};

/** The columns of agent `a` that `connectionStatus` needs. */
const CONNECTION_TIMES = Prisma.sql`a.created_at AS "createdAt", a.first_connected_at AS "firstConnectedAt",
  a.last_connected_at AS "lastConnectedAt", a.disconnected_at AS "disconnectedAt",
  a.connection_timeout_seconds AS "connectionTimeoutSeconds"`;

async function readAgents(db: Database, now: Date): Promise<LiveAgent[]> {
  const rows = await db.$queryRaw<(Omit<LiveAgent, "status"> & ConnectionTimes)[]>`
    SELECT a.name AS agent, w.name AS workspace, u.username AS owner, t.name AS template, v.name AS version,
      a.lifecycle_state AS lifecycle, ${CONNECTION_TIMES}
    FROM ${LIVE_AGENTS} JOIN templates t ON t.id = w.template_id JOIN template_versions v ON v.id = b.template_version_id
    WHERE NOT w.deleted`;
  return rows.map((row) => ({ ...row, status: connectionStatus(row, now) }));
}

export type LiveApp = Owned & { agent: string; app: string; health: AppHealth };

async function readApps(db: Database, now: Date): Promise<LiveApp[]> {
  const rows = await db.$queryRaw<(LiveApp & ConnectionTimes)[]>`
    SELECT a.name AS agent, w.name AS workspace, u.username AS owner, p.slug AS app, p.health, ${CONNECTION_TIMES}
    FROM ${LIVE_AGENTS} JOIN workspace_apps p ON p.agent_id = a.id WHERE NOT w.deleted`;
  return rows.map((row) => ({ ...row, health: appHealth(row.health, connectionStatus(row, now)) }));
}

function readUsers(db: Database): Promise<{ status: string; count: number }[]> {
  return db.$queryRaw`
    SELECT status::text AS status, count(*)::int AS count FROM users WHERE NOT deleted AND NOT is_system GROUP BY 1`;
}

function readActiveUsers(db: Database, now: Date): Promise<number> {
  const lastSeenAt = { gt: new Date(now.getTime() - HOUR_MS) };
  return db.user.count({ where: { deleted: false, isSystem: false, lastSeenAt } });
}

async function readDaemons(db: Database, now: Date): Promise<number> {
  const [row] = await db.$queryRaw<{ count: number }[]>`
    SELECT count(*)::int AS count FROM provisioner_daemons d WHERE ${daemonOnline(now)}`;
  return row!.count;
}

function readRunningJobs(db: Database): Promise<{ provisioner: string; count: number }[]> {
  return db.$queryRaw`
    SELECT j.provisioner, count(*)::int AS count FROM provisioner_jobs j WHERE ${RUNNING} GROUP BY 1`;
}

export type Demand = { organization: string; tags: Tags; count: number };

type Tagged = { organizationId: string; organization: string; tags: Tags };

/** For each distinct tag set of connected daemons: how many pending or running jobs such daemons can take. */
async function readDemand(db: Database, now: Date): Promise<Demand[]> {
  const [daemons, jobs] = await Promise.all([
    db.$queryRaw<Tagged[]>`
      SELECT DISTINCT d.organization_id AS "organizationId", o.name AS organization, d.tags
      FROM provisioner_daemons d JOIN organizations o ON o.id = d.organization_id
      WHERE ${daemonOnline(now)}`,
    // Two queries, each with its own index.
    db.$queryRaw<(Omit<Tagged, "organization"> & { count: number })[]>`
      SELECT organization_id AS "organizationId", tags, count(*)::int AS count FROM (
        SELECT organization_id, tags FROM provisioner_jobs j WHERE ${PENDING}
        UNION ALL
        SELECT organization_id, tags FROM provisioner_jobs j WHERE ${RUNNING}
      ) unfinished GROUP BY 1, 2`,
  ]);
  return daemons.map(({ organizationId, organization, tags }) => {
    const theirs = jobs.filter((job) => job.organizationId === organizationId && covers(tags, job.tags));
    return { organization, tags, count: theirs.reduce((sum, { count }) => sum + count, 0) };
  });
}

export type AgentNumbers = Owned & {
  agent: string;
  template: string;
  connections: number;
  latencySeconds: number;
  rxBytes: number;
  txBytes: number;
  ssh: number;
  vscode: number;
  jetbrains: number;
  reconnectingPty: number;
};

function readAgentStats(db: Database, now: Date): Promise<AgentNumbers[]> {
  return db.$queryRaw`
    SELECT DISTINCT ON (s.agent_id) a.name AS agent, w.name AS workspace, u.username AS owner, t.name AS template,
      s.connection_count::int AS connections, s.connection_median_latency_ms / 1000 AS "latencySeconds",
      s.rx_bytes::float8 AS "rxBytes", s.tx_bytes::float8 AS "txBytes", s.session_count_ssh::int AS ssh,
      s.session_count_vscode::int AS vscode, s.session_count_jetbrains::int AS jetbrains,
      s.session_count_reconnecting_pty::int AS "reconnectingPty"
    FROM workspace_agent_stats s JOIN workspace_agents a ON a.id = s.agent_id
    JOIN workspaces w ON w.id = s.workspace_id JOIN users u ON u.id = w.owner_id JOIN templates t ON t.id = w.template_id
    WHERE NOT s.by_client AND s.created_at > ${new Date(now.getTime() - STATS_FRESH_MS)}
    ORDER BY s.agent_id, s.created_at DESC`;
}

export type EndedBuild = {
  jobId: string;
  transition: string;
  template: string | null;
  version: string | null;
  workspace: string | null;
  ownerEmail: string | null;
};

function readEndedBuilds(db: Database, jobIds: readonly string[]): Promise<EndedBuild[]> {
  return db.$queryRaw`
    SELECT b.job_id AS "jobId", b.transition::text AS transition, t.name AS template, v.name AS version,
      w.name AS workspace, u.email AS "ownerEmail"
    FROM workspace_builds b
    LEFT JOIN workspaces w ON w.id = b.workspace_id
    LEFT JOIN users u ON u.id = w.owner_id
    LEFT JOIN templates t ON t.id = w.template_id
    LEFT JOIN template_versions v ON v.id = b.template_version_id
    WHERE b.job_id = ANY(${jobIds}::uuid[])`;
}
