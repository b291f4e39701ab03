import { FleetError } from "@fleet/base";
import type { Database } from "../database/client.js";
import type { WorkspaceAgentLogSource } from "../database/gen/client.js";
import type { NewLog } from "./store.js";

/**
 * Maximum size of an agent's log, in characters. Later lines are dropped; the source is notified and a log line says
 * so.
 */
const LOG_LIMIT = 1024 * 1024;
/** Characters guaranteed to each source in the manifest, however much the others print. */
const SOURCE_SHARE = 64 * 1024;
/** Maximum log sources per agent, both its scripts' and its own. Bounds the sum of the shares. */
const MAX_SOURCES = 256;
/** Minimum size charged per line, in characters, so that an endless stream of empty lines reaches the limit, too. */
const LINE_COST = 8;
const OVERFLOWED = "The log reached its limit of 1 MiB. Later lines from this source were dropped.";

export type AgentLogLine = {
  id: bigint;
  createdAt: Date;
  level: string;
  output: string;
  logSourceId: string;
};

export type AgentLogStore = {
  /** At most `take` lines after `after` and before `before`, in order; no limit if `take` is omitted. */
  read(agentId: string, after: bigint, before?: number, take?: number): Promise<AgentLogLine[]>;
  /**
   * Stores lines in one statement. A batch whose number was already seen is dropped, as are all lines from the first
   * one that exceeds both the limit and the source's share.
   * @returns whether further lines of this source are dropped.
   */
  append(
    agentId: string,
    source: string,
    batch: { bootId: string; sequence: bigint },
    lines: readonly NewLog[],
  ): Promise<boolean>;
  /** @throws resource_exhausted when the agent has too many sources. */
  addSource(
    agentId: string,
    source: { id: string; displayName: string; icon: string },
  ): Promise<WorkspaceAgentLogSource>;
};

export function createAgentLogStore(db: Database): AgentLogStore {
  return {
    read: (agentId, after, before, take) =>
      db.workspaceAgentLog.findMany({
        where: { agentId, id: { gt: after, ...(before ? { lt: before } : {}) } },
        orderBy: { id: "asc" },
        take,
      }),

    async append(agentId, source, batch, lines) {
      const rows = await db.$queryRaw<{ overflowed: boolean }[]>`
        WITH agent AS (
          SELECT id, logs_length, logs_overflowed FROM workspace_agents
          WHERE id = ${agentId}::uuid
            AND (${batch.bootId} = '' OR (boot_id = ${batch.bootId} AND log_sequence < ${batch.sequence}))
          FOR UPDATE
        ), source AS (
          SELECT logs_length, logs_overflowed FROM workspace_agent_log_sources
          WHERE agent_id = ${agentId}::uuid AND id = ${source}::uuid
        ), line AS (
          SELECT n, created_at, level, output,
                 sum(greatest(length(output) + 1, ${LINE_COST}::int)) OVER (ORDER BY n) AS upto
          FROM unnest(${lines.map((l) => l.createdAt)}::timestamptz[], ${lines.map((l) => l.level)}::text[],
                      ${lines.map((l) => l.output)}::text[])
               WITH ORDINALITY AS v(created_at, level, output, n)
        ), room AS (
          SELECT agent.id, COALESCE(source.logs_overflowed, agent.logs_overflowed) AS told,
                 greatest(${LOG_LIMIT}::int - agent.logs_length, ${SOURCE_SHARE}::int - source.logs_length, 0) AS size
          FROM agent LEFT JOIN source ON true
        ), kept AS (
          SELECT line.* FROM line, room WHERE NOT room.told AND line.upto <= room.size
        ), total AS (
          SELECT id, told, COALESCE((SELECT max(upto) FROM kept), 0)::int AS size,
                 (SELECT count(*) FROM kept) < (SELECT count(*) FROM line) AS overflowed
          FROM room
        ), counted AS (
          UPDATE workspace_agents
          SET log_sequence = CASE WHEN ${batch.bootId} = '' THEN log_sequence ELSE ${batch.sequence} END,
              logs_length = logs_length + total.size,
              logs_overflowed = logs_overflowed OR total.overflowed
          FROM total WHERE workspace_agents.id = total.id
        ), shared AS (
          UPDATE workspace_agent_log_sources AS s
          SET logs_length = s.logs_length + total.size, logs_overflowed = s.logs_overflowed OR total.overflowed
          FROM total WHERE s.agent_id = total.id AND s.id = ${source}::uuid
        ), stored AS (
          INSERT INTO workspace_agent_logs (agent_id, log_source_id, created_at, level, output)
          SELECT total.id, ${source}::uuid, v.created_at, v.level, v.output
          FROM total, (
            SELECT n, created_at, level, output FROM kept
            UNION ALL
            SELECT 1 + count(*), max(created_at), 'warn', ${OVERFLOWED} FROM line, total
            WHERE total.overflowed AND NOT total.told HAVING count(*) > 0
          ) AS v
          ORDER BY v.n
        )
        SELECT overflowed OR told AS overflowed FROM total`;
      return rows[0]?.overflowed ?? false;
    },

    async addSource(agentId, source) {
      const others = await db.workspaceAgentLogSource.count({ where: { agentId, id: { not: source.id } } });
      if (others >= MAX_SOURCES) {
        throw new FleetError("resource_exhausted", `An agent can have at most ${MAX_SOURCES} log sources.`);
      }
      return db.workspaceAgentLogSource.upsert({
        where: { agentId_id: { agentId, id: source.id } },
        create: { agentId, ...source },
        update: {},
      });
    },
  };
}
