import { Prisma } from "../database/gen/client.js";
import { SUCCEEDED } from "../provisionerjobs/predicates.js";
import { type ConnectionStatus, LOST_AFTER_MS } from "./status.js";

/** SQL equivalent of `connectionStatus` (status.ts), for agent `a`. */
export function connectionCondition(status: ConnectionStatus, now: Date): Prisma.Sql {
  switch (status) {
    case "connecting":
      return Prisma.sql`(a.first_connected_at IS NULL AND a.disconnected_at IS NULL AND NOT ${timedOut(now)})`;
    case "timeout":
      return Prisma.sql`(a.first_connected_at IS NULL AND a.disconnected_at IS NULL AND ${timedOut(now)})`;
    case "connected":
      return Prisma.sql`(a.first_connected_at IS NOT NULL AND ${alive(now)})`;
    case "disconnected":
      return Prisma.sql`(COALESCE(a.first_connected_at, a.disconnected_at) IS NOT NULL AND (${alive(now)}) IS NOT TRUE)`;
  }
}

/** SQL equivalent of `unhealthyReason` (status.ts), for agent `a`. */
export function unhealthyCondition(now: Date): Prisma.Sql {
  return Prisma.sql`(${connectionCondition("timeout", now)} OR ${connectionCondition("disconnected", now)}
    OR a.lifecycle_state NOT IN ('created', 'starting', 'ready'))`;
}

function timedOut(now: Date): Prisma.Sql {
  return Prisma.sql`(a.connection_timeout_seconds > 0
    AND a.created_at + a.connection_timeout_seconds * interval '1 second' < ${now})`;
}

function alive(now: Date): Prisma.Sql {
  return Prisma.sql`(a.last_connected_at >= ${new Date(now.getTime() - LOST_AFTER_MS)}
    AND (a.disconnected_at IS NULL OR a.disconnected_at < a.last_connected_at))`;
}

/** A later build of the workspace than `b` has succeeded: what `b` created is gone or belongs to that build. */
export const REPLACED = Prisma.sql`EXISTS (
  SELECT 1 FROM workspace_builds later JOIN provisioner_jobs j ON j.id = later.job_id
  WHERE later.workspace_id = b.workspace_id AND later.build_number > b.build_number AND ${SUCCEEDED})`;
