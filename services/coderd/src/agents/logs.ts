import type { Clock } from "@fleet/base";
import type { Database } from "../database/client.js";
import { storable } from "../database/json.js";
import { hintsOf } from "../pubsub/hints.js";
import type { Pubsub } from "../pubsub/pubsub.js";
import type { NewLog } from "./store.js";

/** Characters of log that an agent may keep, the source's limit. More are dropped and said to be. */
const LOG_LIMIT = 1024 * 1024;
/** Lines of one read. */
const LOG_PAGE = 1000;
/** One line at most, in characters. */
const LINE_LIMIT = 8 * 1024;

export const agentLogsChannel = (agentId: string) => `agent:${agentId}:logs`;

export type AgentLogLine = {
  id: bigint;
  createdAt: Date;
  level: string;
  output: string;
  logSourceId: string;
};

export type AgentLogs = ReturnType<typeof createAgentLogs>;

export function createAgentLogs({ db, pubsub, clock }: { db: Database; pubsub: Pubsub; clock: Clock }) {
  const read = (agentId: string, after: bigint, before?: number): Promise<AgentLogLine[]> =>
    db.workspaceAgentLog.findMany({
      where: { agentId, id: { gt: after, ...(before ? { lt: before } : {}) } },
      orderBy: { id: "asc" },
      take: LOG_PAGE,
    });

  return {
    read,

    /**
     * Stores lines, in one statement: a batch whose number has been seen is dropped, as are lines beyond the limit.
     * @returns whether the limit is exceeded.
     */
    async append(
      agentId: string,
      source: string,
      batch: { bootId: string; sequence: bigint },
      logs: NewLog[],
    ): Promise<boolean> {
      const lines = logs.map((log) => ({ ...log, output: storable(log.output).slice(0, LINE_LIMIT) }));
      const size = lines.reduce((sum, { output }) => sum + output.length, 0);
      const rows = await db.$queryRaw<{ overflowed: boolean }[]>`
        WITH agent AS (
          UPDATE workspace_agents
          SET log_sequence = CASE WHEN ${batch.bootId} = '' THEN log_sequence ELSE ${batch.sequence} END,
              logs_overflowed = logs_overflowed OR logs_length + ${size}::int > ${LOG_LIMIT}::int,
              logs_length = CASE WHEN logs_length + ${size}::int > ${LOG_LIMIT}::int THEN logs_length ELSE logs_length + ${size}::int END
          WHERE id = ${agentId}::uuid
            AND (${batch.bootId} = '' OR (boot_id = ${batch.bootId} AND log_sequence < ${batch.sequence}))
          RETURNING id, logs_overflowed
        ), stored AS (
          INSERT INTO workspace_agent_logs (agent_id, log_source_id, created_at, level, output)
          SELECT agent.id, ${source}::uuid, v.created_at, v.level, v.output
          FROM agent, unnest(${lines.map((l) => l.createdAt)}::timestamptz[], ${lines.map((l) => l.level)}::text[],
                             ${lines.map((l) => l.output)}::text[]) AS v(created_at, level, output)
          WHERE NOT agent.logs_overflowed
        )
        SELECT logs_overflowed AS overflowed FROM agent`;
      pubsub.publish(agentLogsChannel(agentId), {});
      return rows[0]?.overflowed ?? false;
    },

    async addSource(agentId: string, source: { id: string; displayName: string; icon: string }) {
      return db.workspaceAgentLogSource.upsert({
        where: { agentId_id: { agentId, id: source.id } },
        create: { agentId, ...source },
        update: {},
      });
    },

    /** Batches of lines after `after`, as they come, until the signal aborts. It listens first and reads then. */
    async *follow(agentId: string, after: number, signal: AbortSignal): AsyncGenerator<AgentLogLine[]> {
      const hints = await hintsOf(pubsub, agentLogsChannel(agentId), clock, signal);
      let last = BigInt(after);
      while (!signal.aborted) {
        const lines = await read(agentId, last);
        if (lines.length > 0) {
          last = lines.at(-1)!.id;
          yield lines;
        }
        if (lines.length < LOG_PAGE) await hints.next();
      }
    },
  };
}
