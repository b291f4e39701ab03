import { PREBUILDS_USER_ID } from "../auth/system-users.js";
import { endConnections } from "../connectionlog/reports-store.js";
import type { Database, Transaction } from "../database/client.js";
import type { Prisma, WorkspaceAgent } from "../database/gen/client.js";
import { workspacesChanged } from "../grants/store.js";
import { REPLACED } from "./predicates.js";
import type { LifecycleState } from "./status.js";

export const agentInclude = {
  apps: { orderBy: [{ displayOrder: "asc" }, { slug: "asc" }] },
  scripts: true,
  logSources: true,
} satisfies Prisma.WorkspaceAgentInclude;

/** An agent with everything the API returns about it. */
export type AgentRow = Prisma.WorkspaceAgentGetPayload<{ include: typeof agentInclude }>;

/** An agent's identity, looked up by its token. */
export type AgentIdentity = {
  agentId: string;
  agentName: string;
  workspaceId: string;
  workspaceName: string;
  ownerId: string;
  ownerName: string;
  ownerActive: boolean;
  /** False if the template's `api_key_scope` withholds the owner's data from the agent. */
  userData: boolean;
  organizationId: string;
  templateId: string;
  templateName: string;
};

/** The facts that access to an agent depends on. */
export type AgentAccess = {
  agentId: string;
  workspaceId: string;
  ownerId: string;
  organizationId: string;
  userAcl: unknown;
  groupAcl: unknown;
};

/** An agent with everything its manifest contains. */
export type AgentManifestRow = Prisma.WorkspaceAgentGetPayload<{
  include: { apps: true; scripts: true; metadata: true; monitors: true };
}>;

/** The fields that determine whether an agent is connected, and its status. */
export type AgentConnectionTimes = Pick<
  WorkspaceAgent,
  | "createdAt"
  | "connectionTimeoutSeconds"
  | "firstConnectedAt"
  | "lastConnectedAt"
  | "disconnectedAt"
  | "lifecycleState"
>;

export type NewLog = { createdAt: Date; level: string; output: string };

/** What an agent reports about itself at startup. */
export type AgentStartup = {
  version: string;
  expandedDirectory: string;
  subsystems: string[];
  sshHostPublicKey: string;
};

/** Stores agents and what they report about themselves. */
export type AgentStore = {
  /**
   * Finds the agent by its token's hash, unless a later build of its workspace has succeeded and so replaced it. The
   * agent remains valid while a stop runs, so that it can run its shutdown scripts.
   */
  findByToken(tokenHash: Uint8Array): Promise<AgentIdentity | undefined>;
  /** Null if the agent does not exist. */
  find(id: string): Promise<AgentRow | null>;
  /** The facts that access to the agent depends on; undefined if its workspace is gone. */
  access(id: string): Promise<AgentAccess | undefined>;
  /** Whether the agent still belongs to its workspace: not replaced by a later build, and not deleted. */
  isCurrent(id: string): Promise<boolean>;
  /**
   * Whether the agent is current, as above. `claimedBy` is the owner of its workspace, if it was the agent of a prebuild
   * and the build for that owner has replaced it; otherwise null.
   */
  claim(id: string): Promise<{ isCurrent: boolean; claimedBy: string | null }>;
  /** The data for the agent's manifest. @throws if the agent does not exist, which an authenticated agent rules out. */
  manifest(id: string): Promise<AgentManifestRow>;
  /**
   * Marks the agent connected. `bootId` identifies the run of the agent process; a new one means that the previous
   * run's sessions have ended.
   * @returns seconds from creation to the first connection; undefined on later connections.
   */
  connected(id: string, bootId: string, now: Date): Promise<number | undefined>;
  /** Marks the agent disconnected, unless a newer run of it has connected since. */
  disconnected(id: string, bootId: string, now: Date): Promise<void>;
  /** Records heartbeats of many agents in one statement. */
  seen(ids: readonly string[], now: Date): Promise<void>;
  /** The fields that determine the agent's connection status. */
  connectionTimes(id: string): Promise<AgentConnectionTimes | null>;
  /** Undefined if the agent does not exist. */
  lifecycle(id: string): Promise<LifecycleState | undefined>;
  /** Updates the lifecycle if it is still `from`. A replaced agent stays off. */
  setLifecycle(id: string, from: LifecycleState, to: LifecycleState, at: Date): Promise<boolean>;
  /** Stores what the agent reports about itself at startup. */
  setStartup(id: string, startup: AgentStartup): Promise<void>;
  /** Sets the health of the agent's own apps; other ids are ignored. */
  setAppHealths(agentId: string, healths: { appId: string; health: string }[]): Promise<number>;
  /** Records when a script ran and how it ended. */
  addScriptTiming(
    agentId: string,
    timing: {
      scriptId: string;
      startedAt: Date;
      endedAt: Date;
      exitCode: number;
      stage: string;
      status: string;
    },
  ): Promise<void>;
  /** Inserts one row per non-empty report; agents report deltas. */
  addStats(stats: Prisma.WorkspaceAgentStatCreateManyInput[]): Promise<void>;
};

export function createAgentStore(db: Database): AgentStore {
  return {
    async findByToken(tokenHash) {
      const rows = await db.$queryRaw<AgentIdentity[]>`
        SELECT a.id AS "agentId", a.name AS "agentName", w.id AS "workspaceId", w.name AS "workspaceName",
               w.owner_id AS "ownerId", u.username AS "ownerName",
               u.status <> 'suspended' AND NOT u.deleted AS "ownerActive",
               a.api_key_scope <> 'no_user_data' AS "userData", w.organization_id AS "organizationId",
               w.template_id AS "templateId", t.name AS "templateName"
        FROM workspace_agents a
        JOIN workspace_resources r ON r.id = a.resource_id
        JOIN workspace_builds b ON b.job_id = r.job_id
        JOIN workspaces w ON w.id = b.workspace_id AND NOT w.deleted
        JOIN users u ON u.id = w.owner_id
        JOIN templates t ON t.id = w.template_id
        WHERE a.token_hash = ${tokenHash}
          AND NOT ${REPLACED}
        ORDER BY b.build_number DESC LIMIT 1`;
      return rows[0];
    },

    find: (id) => db.workspaceAgent.findUnique({ where: { id }, include: agentInclude }),

    async access(id) {
      const rows = await db.$queryRaw<AgentAccess[]>`
        SELECT a.id AS "agentId", w.id AS "workspaceId", w.owner_id AS "ownerId", w.organization_id AS "organizationId",
          w.user_acl AS "userAcl", w.group_acl AS "groupAcl"
        FROM workspace_agents a JOIN workspaces w ON w.id = a.workspace_id
        WHERE a.id = ${id}::uuid AND NOT w.deleted`;
      return rows[0];
    },

    async isCurrent(id) {
      const rows = await db.$queryRaw<unknown[]>`
        SELECT 1 FROM workspace_agents a
        JOIN workspace_resources r ON r.id = a.resource_id
        JOIN workspace_builds b ON b.job_id = r.job_id
        JOIN workspaces w ON w.id = b.workspace_id AND NOT w.deleted
        WHERE a.id = ${id}::uuid AND NOT ${REPLACED}`;
      return rows.length > 0;
    },

    async claim(id) {
      const rows = await db.$queryRaw<{ isCurrent: boolean; claimedBy: string | null }[]>`
        SELECT NOT ${REPLACED} AS "isCurrent", CASE WHEN ${REPLACED} AND w.owner_id <> b.initiator_id
          AND b.initiator_id = ${PREBUILDS_USER_ID}::uuid THEN w.owner_id END AS "claimedBy"
        FROM workspace_agents a
        JOIN workspace_resources r ON r.id = a.resource_id
        JOIN workspace_builds b ON b.job_id = r.job_id
        JOIN workspaces w ON w.id = b.workspace_id AND NOT w.deleted
        WHERE a.id = ${id}::uuid`;
      return rows[0] ?? { isCurrent: false, claimedBy: null };
    },

    manifest: (id) =>
      db.workspaceAgent.findUniqueOrThrow({
        where: { id },
        include: {
          apps: true,
          scripts: true,
          metadata: { orderBy: [{ displayOrder: "asc" }, { key: "asc" }] },
          monitors: { orderBy: { path: "asc" } },
        },
      }),

    async connected(id, bootId, now) {
      const rows = await db.$queryRaw<{ seconds: number | null; restarted: boolean }[]>`
        UPDATE workspace_agents a SET first_connected_at = coalesce(a.first_connected_at, ${now}), last_connected_at = ${now},
               disconnected_at = NULL, updated_at = ${now}, boot_id = ${bootId},
               log_sequence = CASE WHEN a.boot_id = ${bootId} THEN a.log_sequence ELSE 0 END
        FROM workspace_agents before
        WHERE a.id = ${id}::uuid AND before.id = a.id
        RETURNING before.boot_id NOT IN ('', ${bootId}) AS restarted, CASE WHEN a.first_connected_at = ${now}
          THEN extract(epoch FROM ${now}::timestamptz - a.created_at)::float8 END AS seconds`;
      if (rows[0]?.restarted) await endConnections(db, [id], now);
      return rows[0]?.seconds ?? undefined;
    },

    async disconnected(id, bootId, now) {
      await db.$executeRaw`
        UPDATE workspace_agents SET disconnected_at = ${now}, updated_at = ${now}
        WHERE id = ${id}::uuid AND boot_id = ${bootId}`;
    },

    async seen(ids, now) {
      if (ids.length === 0) return;
      await db.$executeRaw`
        UPDATE workspace_agents SET last_connected_at = ${now}, disconnected_at = NULL
        WHERE id = ANY(${ids}::uuid[])`;
    },

    connectionTimes: (id) =>
      db.workspaceAgent.findUnique({
        where: { id },
        select: {
          createdAt: true,
          firstConnectedAt: true,
          lastConnectedAt: true,
          disconnectedAt: true,
          connectionTimeoutSeconds: true,
          lifecycleState: true,
        },
      }),

    async lifecycle(id) {
      const row = await db.workspaceAgent.findUnique({ where: { id }, select: { lifecycleState: true } });
      return row?.lifecycleState as LifecycleState | undefined;
    },

    async setLifecycle(id, from, to, at) {
      const ended = to === "ready" || to === "start_error" || to === "start_timeout";
      const count = await db.$executeRaw`
        UPDATE workspace_agents a SET lifecycle_state = ${to}, updated_at = ${at},
          started_at = CASE WHEN ${to === "starting"} THEN ${at} ELSE a.started_at END,
          ready_at = CASE WHEN ${ended} THEN ${at} WHEN ${to === "starting"} THEN NULL ELSE a.ready_at END
        FROM workspace_resources r JOIN workspace_builds b ON b.job_id = r.job_id
        WHERE a.id = ${id}::uuid AND r.id = a.resource_id AND a.lifecycle_state = ${from} AND NOT ${REPLACED}`;
      return count === 1;
    },

    async setStartup(id, startup) {
      await db.workspaceAgent.update({ where: { id }, data: { ...startup, apiVersion: "2.9" } });
    },

    async setAppHealths(agentId, healths) {
      const ids = healths.map(({ appId }) => appId);
      const values = healths.map(({ health }) => health);
      return db.$executeRaw`
        UPDATE workspace_apps SET health = v.health
        FROM unnest(${ids}::text[], ${values}::text[]) AS v(id, health)
        WHERE workspace_apps.id::text = v.id AND agent_id = ${agentId}::uuid AND workspace_apps.health <> v.health`;
    },

    async addScriptTiming(agentId, timing) {
      await db.$executeRaw`
        INSERT INTO workspace_agent_script_timings (script_id, started_at, ended_at, exit_code, stage, status)
        SELECT id, ${timing.startedAt}, ${timing.endedAt}, ${timing.exitCode}, ${timing.stage}, ${timing.status}
        FROM workspace_agent_scripts WHERE id::text = ${timing.scriptId} AND agent_id = ${agentId}::uuid`;
    },

    async addStats(stats) {
      await db.workspaceAgentStat.createMany({ data: stats });
    },
  };
}

/**
 * Marks agents replaced by these newly succeeded builds as ended. Their processes are gone or belong to the build's own
 * agents, whatever they last reported.
 */
export async function endReplacedAgents(
  tx: Pick<Transaction, "$queryRaw" | "$executeRaw">,
  builds: readonly { jobId: string; workspaceId: string }[],
  now: Date,
): Promise<void> {
  const ended = await tx.$queryRaw<{ id: string }[]>`
    UPDATE workspace_agents a SET disconnected_at = COALESCE(a.disconnected_at, ${now}), updated_at = ${now},
      lifecycle_state = CASE WHEN a.lifecycle_state = ANY(${SHUT_DOWN}) THEN a.lifecycle_state ELSE 'off' END
    FROM unnest(${builds.map(({ jobId }) => jobId)}::uuid[], ${builds.map(({ workspaceId }) => workspaceId)}::uuid[])
      AS build(job_id, workspace_id), workspace_resources r
    WHERE a.workspace_id = build.workspace_id AND r.id = a.resource_id AND r.job_id <> build.job_id
      AND (a.disconnected_at IS NULL OR a.lifecycle_state <> ALL(${SHUT_DOWN}))
    RETURNING a.id`;
  await endConnections(
    tx,
    ended.map(({ id }) => id),
    now,
  );
  // Also ends their open sessions, and their users' streams.
  await workspacesChanged(
    tx,
    builds.map(({ workspaceId }) => workspaceId),
  );
}

/** Final lifecycle states of an agent. */
const SHUT_DOWN: LifecycleState[] = ["off", "shutdown_error", "shutdown_timeout"];
