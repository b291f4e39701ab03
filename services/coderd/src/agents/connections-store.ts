import { type Clock, isUuid } from "@fleet/base";
import type { Database, Transaction } from "../database/client.js";
import { Prisma } from "../database/gen/client.js";

/** The start or end of a session, as reported by its agent. */
export type AgentConnectionReport = {
  connectionId: string;
  action: string;
  type: string;
  at: Date;
  reason: string;
};

/** How long after an agent's last heartbeat its sessions count as lost. Longer than a control plane restart. */
export const SESSIONS_LOST_AFTER_MS = 5 * 60_000;

/** Reason recorded for a connection whose end the agent never reported. A later report from the agent replaces it. */
const LOST = "The agent was lost.";

/** Records the session in the connection log. An end without a matching start is recorded, too. */
export async function reportConnection(
  db: Database,
  agent: { agentId: string; workspaceId: string },
  report: AgentConnectionReport,
): Promise<void> {
  if (!isUuid(report.connectionId)) return;
  await db.$executeRaw`
    INSERT INTO connection_logs (workspace_id, agent_id, connection_id, type, connected_at, disconnected_at, reason)
    VALUES (${agent.workspaceId}::uuid, ${agent.agentId}::uuid, ${report.connectionId}::uuid, ${report.type}, ${report.at},
            ${report.action === "disconnect" ? report.at : null}, ${report.reason})
    ON CONFLICT (connection_id) DO UPDATE SET disconnected_at = excluded.connected_at, reason = excluded.reason
    WHERE connection_logs.agent_id = excluded.agent_id
      AND (connection_logs.disconnected_at IS NULL OR connection_logs.reason = ${LOST})`;
}

/** Ends the open connections of agents whose processes are known to be gone. */
export async function endConnections(
  tx: Pick<Transaction, "$executeRaw">,
  agentIds: readonly string[],
  now: Date,
): Promise<void> {
  if (agentIds.length > 0) await end(tx, Prisma.sql`c.agent_id = ANY(${agentIds}::uuid[])`, now);
}

/** Ends the open connections of agents that have sent no heartbeat for SESSIONS_LOST_AFTER_MS. */
export async function endLostConnections({ db, clock }: { db: Database; clock: Clock }): Promise<void> {
  const now = clock.now();
  const since = new Date(now.getTime() - SESSIONS_LOST_AFTER_MS);
  await end(db, Prisma.sql`a.last_connected_at < ${since}`, now);
}

/** Uses the agent's last heartbeat as the end time, the best estimate there is. */
async function end(tx: Pick<Transaction, "$executeRaw">, which: Prisma.Sql, now: Date): Promise<void> {
  await tx.$executeRaw`
    UPDATE connection_logs c
    SET disconnected_at = GREATEST(c.connected_at, LEAST(a.last_connected_at, ${now}::timestamptz)), reason = ${LOST}
    FROM workspace_agents a WHERE a.id = c.agent_id AND c.disconnected_at IS NULL AND ${which}`;
}
