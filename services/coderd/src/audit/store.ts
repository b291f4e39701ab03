import type { Database } from "../database/client.js";
import { Prisma } from "../database/gen/client.js";
import { likeText } from "../database/text.js";
import { type UserRow, usersById } from "../users/store.js";
import type { Diff } from "./diff.js";
import type { AuditFilter } from "./query.js";

export type NewAuditEntry = {
  /** Generated if undefined. */
  id: string | undefined;
  userId: string | undefined;
  organizationId: string | undefined;
  ip: string;
  userAgent: string;
  requestId: string;
  resourceType: string;
  resourceId: string;
  resourceTarget: string;
  resourceIcon: string;
  action: string;
  statusCode: number;
  diff: Diff;
  additionalFields: Record<string, unknown>;
};

export type AuditRow = Omit<NewAuditEntry, "userId" | "organizationId"> & {
  id: string;
  time: Date;
  userId: string | null;
  organizationId: string | null;
  organizationName: string | null;
  organizationDisplayName: string | null;
  organizationIcon: string | null;
  /** The entry's object no longer exists. */
  deleted: boolean;
};

/** A page of entries, and the users they name by id. */
export type AuditPage = { rows: AuditRow[]; users: Map<string, UserRow> };

/** Stores the audit log. */
export type AuditStore = {
  /**
   * The stored entry's id and time; undefined if an entry with this id already exists for the object, because the
   * request was retried.
   */
  insert(entry: NewAuditEntry): Promise<{ id: string; time: Date } | undefined>;
  /** A page of entries, newest first. */
  list(filter: AuditFilter, page: { limit: number; offset: number }): Promise<AuditPage>;
  count(filter: AuditFilter): Promise<number>;
  /** Up to `limit` entries, oldest first, that follow this one, or from the first one on. */
  after(filter: AuditFilter, last: { time: Date; id: string } | undefined, limit: number): Promise<AuditPage>;
};

export function createAuditStore(db: Database): AuditStore {
  async function withUsers(rows: AuditRow[]): Promise<AuditPage> {
    const ids = [...new Set(rows.flatMap(({ userId }) => userId ?? []))];
    return { rows, users: await usersById(db, ids) };
  }

  return {
    async insert({ id, ...entry }) {
      const data = {
        ...entry,
        userId: entry.userId ?? null,
        organizationId: entry.organizationId ?? null,
        diff: entry.diff as Prisma.InputJsonObject,
        additionalFields: entry.additionalFields as Prisma.InputJsonObject,
      };
      if (id) {
        const { count } = await db.auditLog.createMany({ data: { id, ...data }, skipDuplicates: true });
        const { resourceId, time } = await db.auditLog.findUniqueOrThrow({ where: { id } });
        if (count === 1) return { id, time };
        if (resourceId === entry.resourceId) return undefined;
      }
      return db.auditLog.create({ data, select: { id: true, time: true } });
    },

    async list(filter, { limit, offset }) {
      return withUsers(
        await db.$queryRaw<AuditRow[]>`
          SELECT ${COLUMNS} ${FROM} WHERE ${conditionsOf(filter)}
          ORDER BY l.time DESC, l.id DESC LIMIT ${limit} OFFSET ${offset}`,
      );
    },

    async count(filter) {
      const [row] = await db.$queryRaw<{ count: number }[]>`
        SELECT count(*)::int AS count ${FROM} WHERE ${conditionsOf(filter)}`;
      return row!.count;
    },

    async after(filter, last, limit) {
      const next = last ? Prisma.sql`(l.time, l.id) > (${last.time}, ${last.id}::uuid)` : Prisma.sql`true`;
      return withUsers(
        await db.$queryRaw<AuditRow[]>`
          SELECT ${COLUMNS} ${FROM} WHERE ${conditionsOf(filter)} AND ${next}
          ORDER BY l.time, l.id LIMIT ${limit}`,
      );
    },
  };
}

const FROM = Prisma.sql`FROM audit_logs l LEFT JOIN users u ON u.id = l.user_id
  LEFT JOIN organizations o ON o.id = l.organization_id`;

const COLUMNS = Prisma.sql`l.id, l.time, l.user_id AS "userId", l.organization_id AS "organizationId", l.ip,
  l.user_agent AS "userAgent", l.request_id AS "requestId", l.resource_type AS "resourceType",
  l.resource_id AS "resourceId", l.resource_target AS "resourceTarget", l.resource_icon AS "resourceIcon",
  l.action, l.status_code AS "statusCode", l.diff, l.additional_fields AS "additionalFields",
  o.name AS "organizationName", o.display_name AS "organizationDisplayName", o.icon AS "organizationIcon",
  CASE l.resource_type
    WHEN 'user' THEN NOT EXISTS (SELECT 1 FROM users x WHERE x.id = l.resource_id AND NOT x.deleted)
    WHEN 'template' THEN NOT EXISTS (SELECT 1 FROM templates x WHERE x.id = l.resource_id AND NOT x.deleted)
    WHEN 'workspace' THEN NOT EXISTS (SELECT 1 FROM workspaces x WHERE x.id = l.resource_id AND NOT x.deleted)
    WHEN 'workspace_build' THEN NOT EXISTS (SELECT 1 FROM workspace_builds x JOIN workspaces w ON w.id = x.workspace_id
      WHERE x.id = l.resource_id AND NOT w.deleted)
    WHEN 'group' THEN NOT EXISTS (SELECT 1 FROM groups x WHERE x.id = l.resource_id)
    ELSE false END AS deleted`;

function conditionsOf(filter: AuditFilter): Prisma.Sql {
  const list = [Prisma.sql`true`];
  const { resourceType, resourceId, target, action, username, email, organization } = filter;
  if (filter.organizationIds)
    list.push(Prisma.sql`l.organization_id = ANY(${[...filter.organizationIds]}::uuid[])`);
  if (resourceType) list.push(Prisma.sql`l.resource_type = ${resourceType}`);
  if (resourceId) list.push(Prisma.sql`l.resource_id = ${resourceId}::uuid`);
  if (target) list.push(Prisma.sql`l.resource_target ILIKE ${`%${likeText(target)}%`}`);
  if (action) list.push(Prisma.sql`l.action = ${action}`);
  if (username) list.push(Prisma.sql`lower(u.username) = lower(${username})`);
  if (email) list.push(Prisma.sql`lower(u.email) = lower(${email})`);
  if (filter.from) list.push(Prisma.sql`l.time >= ${filter.from}`);
  if (filter.to) list.push(Prisma.sql`l.time <= ${filter.to}`);
  if (filter.buildReason) list.push(Prisma.sql`l.additional_fields->>'build_reason' = ${filter.buildReason}`);
  if (filter.requestId) list.push(Prisma.sql`l.request_id = ${filter.requestId}::uuid`);
  if (organization)
    list.push(Prisma.sql`(o.id::text = ${organization} OR lower(o.name) = lower(${organization}))`);
  return Prisma.join(list, " AND ");
}
