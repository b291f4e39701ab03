import { type Clock, isUuid } from "@fleet/base";
import type { Database, Transaction } from "../database/client.js";
import { Prisma } from "../database/gen/client.js";
import { storable } from "../database/json.js";

/** The start or end of a session, as reported by its agent. */
export type SessionReport = {
  /** The session's own id. */
  connectionId: string;
  /** The connection that carries it, as its proxy reports it. Empty for a proxy that does not. */
  streamId: string;
  action: string;
  type: string;
  at: Date;
  reason: string;
  exitCode: number | undefined;
};

/** A connection as reported by its proxy. */
export type ConnectionReport = {
  connectionId: string;
  type: string;
  agentId: string;
  workspaceId: string;
  userId: string | undefined;
  ip: string;
  userAgent: string;
  slugOrPort: string;
  connectedAt: Date;
  disconnectedAt: Date | undefined;
  reason: string;
};

/**
 * How long after the last sign of an agent or a proxy replica its connections count as lost. Longer than a control
 * plane restart.
 */
export const SESSIONS_LOST_AFTER_MS = 5 * 60_000;

/** Types that only the agent knows, because they are inside of SSH. */
const EDITORS = ["vscode", "jetbrains"];

/** Reason recorded for a connection whose end nobody reported. A later report replaces it. */
const LOST = "The agent was lost.";
const PROXY_LOST = "The proxy was lost.";

/**
 * Records a session of an agent. A session that a proxy's connection carries adds its kind and its exit code to that
 * connection, whichever of the two is reported first; what an agent says about another agent's connection is ignored.
 */
export async function reportSession(
  db: Database,
  agent: { agentId: string; workspaceId: string },
  report: SessionReport,
): Promise<void> {
  const id = isUuid(report.streamId) ? report.streamId : report.connectionId;
  if (!isUuid(id)) return;
  const ended = report.action === "disconnect";
  await db.$executeRaw`
    INSERT INTO connection_logs AS c
      (workspace_id, agent_id, connection_id, type, connected_at, disconnected_at, reason, exit_code)
    VALUES (${agent.workspaceId}::uuid, ${agent.agentId}::uuid, ${id}::uuid, ${report.type}, ${report.at},
            ${ended ? report.at : null}, ${storable(report.reason)}, ${report.exitCode ?? null}::int)
    ON CONFLICT (connection_id) DO UPDATE SET
      type = CASE WHEN excluded.type = ANY(${EDITORS}) THEN excluded.type ELSE c.type END,
      exit_code = coalesce(excluded.exit_code, c.exit_code),
      disconnected_at = CASE WHEN c.replica_id IS NULL AND (c.disconnected_at IS NULL OR c.reason = ${LOST})
        THEN excluded.disconnected_at ELSE c.disconnected_at END,
      reason = CASE WHEN c.replica_id IS NULL AND ${ended} THEN excluded.reason ELSE c.reason END
    WHERE c.agent_id = excluded.agent_id`;
}

/**
 * Records connections of a proxy replica, and that the replica is alive. A replica reports in order, so the later
 * report of a connection counts.
 */
export async function reportConnections(
  db: Database,
  replicaId: string,
  connections: readonly ConnectionReport[],
  now: Date,
): Promise<void> {
  await db.$executeRaw`
    INSERT INTO proxy_replicas (id, seen_at) VALUES (${replicaId}::uuid, ${now})
    ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at`;
  const latest = new Map(connections.map((connection) => [connection.connectionId, connection]));
  if (latest.size === 0) return;
  const rows = [...latest.values()].map(
    (
      row,
    ) => Prisma.sql`(${row.workspaceId}::uuid, ${row.agentId}::uuid, ${row.connectionId}::uuid, ${row.type},
      ${row.connectedAt}::timestamptz, ${row.disconnectedAt ?? null}::timestamptz, ${storable(row.reason)},
      ${replicaId}::uuid, ${row.userId ?? null}::uuid, ${storable(row.ip)}, ${storable(row.userAgent)},
      ${storable(row.slugOrPort)})`,
  );
  await db.$executeRaw`
    INSERT INTO connection_logs AS c
      (workspace_id, agent_id, connection_id, type, connected_at, disconnected_at, reason,
       replica_id, user_id, ip, user_agent, slug_or_port)
    VALUES ${Prisma.join(rows)}
    ON CONFLICT (connection_id) DO UPDATE SET
      type = CASE WHEN c.type = ANY(${EDITORS}) THEN c.type ELSE excluded.type END,
      connected_at = excluded.connected_at, disconnected_at = excluded.disconnected_at, reason = excluded.reason,
      replica_id = excluded.replica_id, user_id = excluded.user_id, ip = excluded.ip,
      user_agent = excluded.user_agent, slug_or_port = excluded.slug_or_port
    WHERE c.agent_id = excluded.agent_id`;
}

/** Ends the open connections of agents whose processes are known to be gone. */
export async function endConnections(
  tx: Pick<Transaction, "$executeRaw">,
  agentIds: readonly string[],
  now: Date,
): Promise<void> {
  if (agentIds.length > 0) await end(tx, Prisma.sql`c.agent_id = ANY(${agentIds}::uuid[])`, now);
}

/**
 * Ends the open connections without a sign of life for SESSIONS_LOST_AFTER_MS: of their proxy replica, or where it does
 * not report them, of their agent.
 */
export async function endLostConnections({ db, clock }: { db: Database; clock: Clock }): Promise<void> {
  const now = clock.now();
  const since = new Date(now.getTime() - SESSIONS_LOST_AFTER_MS);
  await end(db, Prisma.sql`c.replica_id IS NULL AND a.last_connected_at < ${since}`, now);
  await db.$executeRaw`
    UPDATE connection_logs c SET disconnected_at = GREATEST(c.connected_at, r.seen_at), reason = ${PROXY_LOST}
    FROM proxy_replicas r WHERE r.id = c.replica_id AND c.disconnected_at IS NULL AND r.seen_at < ${since}`;
}

/** Uses the agent's last heartbeat as the end time, the best estimate there is. */
async function end(tx: Pick<Transaction, "$executeRaw">, which: Prisma.Sql, now: Date): Promise<void> {
  await tx.$executeRaw`
    UPDATE connection_logs c
    SET disconnected_at = GREATEST(c.connected_at, LEAST(a.last_connected_at, ${now}::timestamptz)), reason = ${LOST}
    FROM workspace_agents a WHERE a.id = c.agent_id AND c.disconnected_at IS NULL AND ${which}`;
}
