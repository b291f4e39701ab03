import type { Database } from "../database/client.js";
import { Prisma } from "../database/gen/client.js";
import { likeText } from "../database/text.js";
import { type UserRow, usersById } from "../users/store.js";
import type { ConnectionFilter, ConnectionType } from "./query.js";

export type ConnectionRow = {
  id: string;
  connectionId: string;
  type: ConnectionType;
  connectedAt: Date;
  disconnectedAt: Date | null;
  reason: string;
  exitCode: number | null;
  ip: string;
  userAgent: string;
  slugOrPort: string;
  userId: string | null;
  username: string | null;
  agentName: string;
  workspaceId: string;
  workspaceName: string;
  ownerId: string;
  ownerName: string;
  organizationId: string;
  organizationName: string;
  organizationDisplayName: string;
  organizationIcon: string;
};

/** A page of connections, and the users they name by id. */
export type ConnectionPage = { rows: ConnectionRow[]; users: Map<string, UserRow> };

/** Reads the connection log. */
export type ConnectionLogStore = {
  /** A page of connections, newest first. */
  list(filter: ConnectionFilter, page: { limit: number; offset: number }): Promise<ConnectionPage>;
  /** Those with these connection ids. */
  byConnection(connectionIds: readonly string[]): Promise<ConnectionRow[]>;
  count(filter: ConnectionFilter): Promise<number>;
  /** Up to `limit` connections, oldest first, that began after this one, or from the first one on. */
  after(
    filter: ConnectionFilter,
    last: { connectedAt: Date; id: string } | undefined,
    limit: number,
  ): Promise<ConnectionPage>;
};

const FROM = Prisma.sql`FROM connection_logs c
  JOIN workspaces w ON w.id = c.workspace_id
  JOIN users owner ON owner.id = w.owner_id
  JOIN organizations o ON o.id = w.organization_id
  LEFT JOIN users u ON u.id = c.user_id
  LEFT JOIN workspace_agents a ON a.id = c.agent_id`;

const COLUMNS = Prisma.sql`c.id, c.connection_id AS "connectionId", c.type, c.connected_at AS "connectedAt",
  c.disconnected_at AS "disconnectedAt", c.reason, c.exit_code AS "exitCode", c.ip, c.user_agent AS "userAgent",
  c.slug_or_port AS "slugOrPort", c.user_id AS "userId", u.username, coalesce(a.name, '') AS "agentName", w.id AS "workspaceId",
  w.name AS "workspaceName", w.owner_id AS "ownerId", owner.username AS "ownerName",
  o.id AS "organizationId", o.name AS "organizationName", o.display_name AS "organizationDisplayName",
  o.icon AS "organizationIcon"`;

export function createConnectionLogStore(db: Database): ConnectionLogStore {
  async function withUsers(rows: ConnectionRow[]): Promise<ConnectionPage> {
    const ids = [...new Set(rows.flatMap(({ userId }) => userId ?? []))];
    return { rows, users: await usersById(db, ids) };
  }

  return {
    async list(filter, { limit, offset }) {
      const rows = await db.$queryRaw<ConnectionRow[]>`
        SELECT ${COLUMNS} ${FROM} WHERE ${conditionsOf(filter)}
        ORDER BY c.connected_at DESC, c.id DESC LIMIT ${limit} OFFSET ${offset}`;
      return withUsers(rows);
    },
    byConnection: (connectionIds) => db.$queryRaw<ConnectionRow[]>`
      SELECT ${COLUMNS} ${FROM} WHERE c.connection_id = ANY(${[...connectionIds]}::uuid[])`,
    async count(filter) {
      const [row] = await db.$queryRaw<{ count: number }[]>`
        SELECT count(*)::int AS count ${FROM} WHERE ${conditionsOf(filter)}`;
      return row!.count;
    },
    async after(filter, last, limit) {
      const next = last
        ? Prisma.sql`(c.connected_at, c.id) > (${last.connectedAt}, ${last.id}::uuid)`
        : Prisma.sql`true`;
      const rows = await db.$queryRaw<ConnectionRow[]>`
        SELECT ${COLUMNS} ${FROM} WHERE ${conditionsOf(filter)} AND ${next}
        ORDER BY c.connected_at, c.id LIMIT ${limit}`;
      return withUsers(rows);
    },
  };
}

function conditionsOf(filter: ConnectionFilter): Prisma.Sql {
  const list = [Prisma.sql`true`];
  const same = (column: Prisma.Sql, value: string) => Prisma.sql`lower(${column}) = lower(${value})`;
  if (filter.organizationIds)
    list.push(Prisma.sql`w.organization_id = ANY(${[...filter.organizationIds]}::uuid[])`);
  if (filter.organization)
    list.push(
      Prisma.sql`(o.id::text = ${filter.organization} OR ${same(Prisma.sql`o.name`, filter.organization)})`,
    );
  if (filter.workspaceId) list.push(Prisma.sql`c.workspace_id = ${filter.workspaceId}::uuid`);
  if (filter.workspace) list.push(Prisma.sql`w.name ILIKE ${`%${likeText(filter.workspace)}%`}`);
  if (filter.workspaceOwner) list.push(same(Prisma.sql`owner.username`, filter.workspaceOwner));
  if (filter.workspaceOwnerEmail) list.push(same(Prisma.sql`owner.email`, filter.workspaceOwnerEmail));
  if (filter.type) list.push(Prisma.sql`c.type = ${filter.type}`);
  if (filter.username) list.push(same(Prisma.sql`u.username`, filter.username));
  if (filter.email) list.push(same(Prisma.sql`u.email`, filter.email));
  if (filter.after) list.push(Prisma.sql`c.connected_at >= ${filter.after}`);
  if (filter.before) list.push(Prisma.sql`c.connected_at <= ${filter.before}`);
  if (filter.connectionId) list.push(Prisma.sql`c.connection_id = ${filter.connectionId}::uuid`);
  if (filter.status === "ongoing") list.push(Prisma.sql`c.disconnected_at IS NULL`);
  if (filter.status === "completed") list.push(Prisma.sql`c.disconnected_at IS NOT NULL`);
  return Prisma.join(list, " AND ");
}
