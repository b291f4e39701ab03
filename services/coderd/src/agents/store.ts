import type { Database } from "../database/client.js";
import type { Prisma } from "../database/gen/client.js";
import type { LifecycleState } from "./status.js";

export const agentInclude = {
  apps: { orderBy: [{ displayOrder: "asc" }, { slug: "asc" }] },
  scripts: true,
  logSources: true,
} satisfies Prisma.WorkspaceAgentInclude;

/** An agent with what the API shows of it. */
export type AgentRow = Prisma.WorkspaceAgentGetPayload<{ include: typeof agentInclude }>;

/** Who an agent is, found by its token. */
export type AgentIdentity = {
  agentId: string;
  agentName: string;
  workspaceId: string;
  workspaceName: string;
  ownerId: string;
  ownerName: string;
  organizationId: string;
  templateId: string;
  templateName: string;
};

/** What decides about access to an agent. */
export type AgentAccess = { agentId: string; workspaceId: string; ownerId: string; organizationId: string };

export type NewLog = { createdAt: Date; level: string; output: string };

export type AgentStore = ReturnType<typeof createAgentStore>;

export function createAgentStore(db: Database) {
  return {
    /**
     * The agent whose token has this hash, unless a later build of its workspace has succeeded: then what it belongs to
     * has been replaced. It stays while a stop runs, so that it can run its shutdown scripts.
     */
    async findByToken(tokenHash: Uint8Array): Promise<AgentIdentity | undefined> {
      const rows = await db.$queryRaw<AgentIdentity[]>`
        SELECT a.id AS "agentId", a.name AS "agentName", w.id AS "workspaceId", w.name AS "workspaceName",
               w.owner_id AS "ownerId", u.username AS "ownerName", w.organization_id AS "organizationId",
               w.template_id AS "templateId", t.name AS "templateName"
        FROM workspace_agents a
        JOIN workspace_resources r ON r.id = a.resource_id
        JOIN workspace_builds b ON b.job_id = r.job_id
        JOIN workspaces w ON w.id = b.workspace_id AND NOT w.deleted
        JOIN users u ON u.id = w.owner_id
        JOIN templates t ON t.id = w.template_id
        WHERE a.token_hash = ${tokenHash}
          AND NOT EXISTS (
            SELECT 1 FROM workspace_builds later JOIN provisioner_jobs j ON j.id = later.job_id
            WHERE later.workspace_id = w.id AND later.build_number > b.build_number
              AND j.completed_at IS NOT NULL AND j.error IS NULL AND j.canceled_at IS NULL)
        ORDER BY b.build_number DESC LIMIT 1`;
      return rows[0];
    },

    find: (id: string) => db.workspaceAgent.findUnique({ where: { id }, include: agentInclude }),

    async access(id: string): Promise<AgentAccess | undefined> {
      const rows = await db.$queryRaw<AgentAccess[]>`
        SELECT a.id AS "agentId", w.id AS "workspaceId", w.owner_id AS "ownerId", w.organization_id AS "organizationId"
        FROM workspace_agents a JOIN workspaces w ON w.id = a.workspace_id
        WHERE a.id = ${id}::uuid AND NOT w.deleted`;
      return rows[0];
    },

    manifest: (id: string) =>
      db.workspaceAgent.findUniqueOrThrow({
        where: { id },
        include: { apps: true, scripts: true, metadata: true },
      }),

    /**
     * Marks the agent connected. `bootId` says which run of it this is.
     * @returns the seconds that it took, where it is the first time.
     */
    async connected(id: string, bootId: string, now: Date): Promise<number | undefined> {
      const rows = await db.$queryRaw<{ seconds: number | null }[]>`
        UPDATE workspace_agents SET first_connected_at = coalesce(first_connected_at, ${now}), last_connected_at = ${now},
               disconnected_at = NULL, updated_at = ${now}, boot_id = ${bootId},
               log_sequence = CASE WHEN boot_id = ${bootId} THEN log_sequence ELSE 0 END
        WHERE id = ${id}::uuid
        RETURNING CASE WHEN first_connected_at = ${now} THEN extract(epoch FROM ${now}::timestamptz - created_at)::float8 END AS seconds`;
      return rows[0]?.seconds ?? undefined;
    },

    /** Marks the agent disconnected, unless another run of it has connected since. */
    async disconnected(id: string, bootId: string, now: Date): Promise<void> {
      await db.$executeRaw`
        UPDATE workspace_agents SET disconnected_at = ${now}, updated_at = ${now}
        WHERE id = ${id}::uuid AND boot_id = ${bootId}`;
    },

    /** The beats of many agents in one statement. */
    async seen(ids: readonly string[], now: Date): Promise<void> {
      if (ids.length === 0) return;
      await db.$executeRaw`
        UPDATE workspace_agents SET last_connected_at = ${now}, disconnected_at = NULL
        WHERE id = ANY(${ids}::uuid[])`;
    },

    async lifecycle(id: string): Promise<LifecycleState | undefined> {
      const row = await db.workspaceAgent.findUnique({ where: { id }, select: { lifecycleState: true } });
      return row?.lifecycleState as LifecycleState | undefined;
    },

    /** Moves the lifecycle on, guarded by the state that it was judged by. */
    async setLifecycle(id: string, from: LifecycleState, to: LifecycleState, at: Date): Promise<boolean> {
      const ended = to === "ready" || to === "start_error" || to === "start_timeout";
      const { count } = await db.workspaceAgent.updateMany({
        where: { id, lifecycleState: from },
        data: {
          lifecycleState: to,
          ...(to === "starting" ? { startedAt: at, readyAt: null } : {}),
          ...(ended ? { readyAt: at } : {}),
        },
      });
      return count === 1;
    },

    async setStartup(
      id: string,
      startup: { version: string; expandedDirectory: string; subsystems: string[]; sshHostPublicKey: string },
    ): Promise<void> {
      await db.workspaceAgent.update({ where: { id }, data: { ...startup, apiVersion: "2.9" } });
    },

    /** Sets the health of the agent's own apps; an id that is not one of them is passed over. */
    async setAppHealths(agentId: string, healths: { appId: string; health: string }[]): Promise<number> {
      const ids = healths.map(({ appId }) => appId);
      const values = healths.map(({ health }) => health);
      return db.$executeRaw`
        UPDATE workspace_apps SET health = v.health
        FROM unnest(${ids}::text[], ${values}::text[]) AS v(id, health)
        WHERE workspace_apps.id::text = v.id AND agent_id = ${agentId}::uuid AND workspace_apps.health <> v.health`;
    },

    async addScriptTiming(
      agentId: string,
      timing: {
        scriptId: string;
        startedAt: Date;
        endedAt: Date;
        exitCode: number;
        stage: string;
        status: string;
      },
    ): Promise<void> {
      await db.$executeRaw`
        INSERT INTO workspace_agent_script_timings (script_id, started_at, ended_at, exit_code, stage, status)
        SELECT id, ${timing.startedAt}, ${timing.endedAt}, ${timing.exitCode}, ${timing.stage}, ${timing.status}
        FROM workspace_agent_scripts WHERE id::text = ${timing.scriptId} AND agent_id = ${agentId}::uuid`;
    },

    /** One row for each report with anything in it: the agent tells deltas. */
    async addStats(stats: Prisma.WorkspaceAgentStatCreateManyInput[]): Promise<void> {
      await db.workspaceAgentStat.createMany({ data: stats });
    },
  };
}
