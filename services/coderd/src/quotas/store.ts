import type { Reach } from "@fleet/rbac";
import { reachable } from "../auth/predicates.js";
import { type Database, inTransaction, type Transaction } from "../database/client.js";
import { Prisma } from "../database/gen/client.js";
import { JobLost } from "../provisionerjobs/errors.js";

/** Credits per day that a user's workspaces in an organization cost, and may cost. */
export type Quota = {
  consumed: number;
  budget: number;
  /** False if no group of the organization has an allowance: nothing is refused. */
  limited: boolean;
};

export type QuotaOwner = { ownerId: string; organizationId: string };

export type UserQuota = Quota & { userId: string; username: string; name: string; avatarUrl: string };

/** `consumed` is what the workspaces of the group's members cost, whichever of their groups pays for them. */
export type GroupQuota = {
  groupId: string;
  name: string;
  displayName: string;
  allowance: number;
  members: number;
  consumed: number;
};

/**
 * Stores quotas. The budget is the sum of the allowances of the owner's groups in the organization, Everyone included.
 * A workspace counts with the cost of its latest build, which starts with the cost of the build before it: what runs is
 * paid for until a later build has changed it.
 */
export type QuotaStore = {
  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T>;
  of(owner: QuotaOwner): Promise<Quota>;
  /** Members of the organization and other owners of workspaces in it, the largest consumers first, and their number. */
  users(
    organizationId: string,
    reach: Reach,
    page: { limit: number; offset: number },
  ): Promise<{ rows: UserQuota[]; count: number }>;
  groups(ids: readonly string[]): Promise<GroupQuota[]>;
  /**
   * Charges what the running job's build costs, if it may cost that; until the build ends, its workspace counts with
   * the higher of its former and this cost. Stops, deletes and builds that do not raise the cost always may. Owners are
   * checked one build at a time in each organization. Can be repeated.
   * @throws JobLost if the daemon does not have the job.
   */
  charge(
    tx: Transaction,
    build: { jobId: string; daemonId: string; dailyCost: number },
  ): Promise<Quota & { ok: boolean }>;
};

/** The largest number of the API and of the columns. */
const MAX = 2_147_483_647;
const credits = (sum: Prisma.Sql) => Prisma.sql`LEAST(COALESCE(${sum}, 0), ${MAX})::int`;

/** Whether the group is one of the user's: nobody has a row for Everyone. */
const memberOf = (userId: Prisma.Sql) => Prisma.sql`(g.id = g.organization_id OR EXISTS (
  SELECT 1 FROM group_members m WHERE m.group_id = g.id AND m.user_id = ${userId}))`;

const LIMITED = (organizationId: Prisma.Sql) => Prisma.sql`EXISTS (
  SELECT 1 FROM groups l WHERE l.organization_id = ${organizationId} AND l.quota_allowance > 0)`;

/** What the owners' workspaces in the organization cost. */
const CONSUMED = (organizationId: string) => Prisma.sql`
  SELECT w.owner_id, sum(b.daily_cost) AS credits FROM workspaces w JOIN workspace_builds b ON b.id = w.latest_build_id
  WHERE w.organization_id = ${organizationId}::uuid AND NOT w.deleted GROUP BY 1`;

export function createQuotaStore(db: Database): QuotaStore {
  return {
    transaction: (work) => inTransaction(db, work),

    of: (owner) => quotaOf(db, owner),

    async users(organizationId, reach, { limit, offset }) {
      const visible = reachable(reach, {
        id: Prisma.sql`NULL::uuid`,
        organization: Prisma.sql`${organizationId}::uuid`,
        owner: Prisma.sql`u.id`,
      });
      const [{ count, rows }] = await db.$queryRaw<[{ count: number; rows: UserQuota[] | null }]>`
        WITH consumed AS (${CONSUMED(organizationId)}), visible AS (
          SELECT u.id, u.username, u.name, u.avatar_url, ${credits(Prisma.sql`c.credits`)} AS consumed
          FROM users u LEFT JOIN consumed c ON c.owner_id = u.id
          WHERE NOT u.deleted AND ${visible} AND (c.owner_id IS NOT NULL OR NOT u.is_system AND EXISTS (
            SELECT 1 FROM organization_members m WHERE m.organization_id = ${organizationId}::uuid AND m.user_id = u.id))
        ), page AS (
          SELECT * FROM visible ORDER BY consumed DESC, username LIMIT ${limit} OFFSET ${offset}
        )
        SELECT (SELECT count(*)::int FROM visible) AS count, (SELECT jsonb_agg(jsonb_build_object(
          'userId', v.id, 'username', v.username, 'name', v.name, 'avatarUrl', v.avatar_url, 'consumed', v.consumed,
          'budget', (SELECT ${credits(Prisma.sql`sum(g.quota_allowance)`)} FROM groups g
            WHERE g.organization_id = ${organizationId}::uuid AND ${memberOf(Prisma.sql`v.id`)}),
          'limited', ${LIMITED(Prisma.sql`${organizationId}::uuid`)}) ORDER BY v.consumed DESC, v.username) FROM page v) AS rows`;
      return { count, rows: rows ?? [] };
    },

    groups: (ids) => db.$queryRaw`
      SELECT g.id AS "groupId", g.name, g.display_name AS "displayName", g.quota_allowance AS allowance,
        (SELECT count(*)::int FROM users u WHERE NOT u.deleted AND NOT u.is_system AND ${inGroup("u.id")}) AS members,
        (SELECT ${credits(Prisma.sql`sum(b.daily_cost)`)} FROM workspaces w
          JOIN workspace_builds b ON b.id = w.latest_build_id
          WHERE w.organization_id = g.organization_id AND NOT w.deleted AND ${inGroup("w.owner_id")}) AS consumed
      FROM groups g WHERE g.id = ANY(${[...ids]}::uuid[]) ORDER BY g.name`,

    async charge(tx, { jobId, daemonId, dailyCost }) {
      const [build] = await tx.$queryRaw<Charged[]>`
        SELECT b.id, b.workspace_id AS "workspaceId", w.owner_id AS "ownerId", w.organization_id AS "organizationId",
          b.transition, CASE WHEN ${UNPAID_CLAIM} THEN 0 ELSE COALESCE((SELECT p.daily_cost FROM workspace_builds p
            WHERE p.workspace_id = w.id AND p.build_number < b.build_number
            ORDER BY p.build_number DESC LIMIT 1), 0) END AS before
        FROM provisioner_jobs j JOIN workspace_builds b ON b.job_id = j.id JOIN workspaces w ON w.id = b.workspace_id
        JOIN users o ON o.id = w.owner_id
        WHERE j.id = ${jobId}::uuid AND j.worker_id = ${daemonId}::uuid AND j.completed_at IS NULL`;
      if (!build) throw new JobLost(jobId);
      await tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended(${`quota ${build.ownerId} ${build.organizationId}`}, 0))`;
      const others = await quotaOf(tx, build, build.workspaceId);
      const raises = build.transition === "start" && dailyCost > build.before;
      const ok = !others.limited || !raises || others.consumed + dailyCost <= others.budget;
      if (ok) {
        await tx.$executeRaw`
          UPDATE workspace_builds SET daily_cost = GREATEST(daily_cost, ${dailyCost}) WHERE id = ${build.id}::uuid`;
      }
      return { ...others, ok };
    },
  };
}

type Charged = QuotaOwner & {
  id: string;
  workspaceId: string;
  transition: string;
  /** What its owner already paid for the workspace; nothing for a prebuild that is being claimed. */
  before: number;
};

/** Workspace `w` of owner `o` was built by a system user, and no build since then has succeeded. */
const UNPAID_CLAIM = Prisma.sql`(NOT o.is_system
  AND EXISTS (SELECT 1 FROM workspace_builds p JOIN users i ON i.id = p.initiator_id
    WHERE p.workspace_id = w.id AND p.build_number = 1 AND i.is_system)
  AND NOT EXISTS (SELECT 1 FROM workspace_builds p JOIN users i ON i.id = p.initiator_id
    JOIN provisioner_jobs e ON e.id = p.job_id
    WHERE p.workspace_id = w.id AND NOT i.is_system
      AND e.completed_at IS NOT NULL AND e.error IS NULL AND e.canceled_at IS NULL))`;

const inGroup = (user: "u.id" | "w.owner_id") => Prisma.sql`EXISTS (
  SELECT 1 FROM group_members m WHERE m.group_id = g.id AND m.user_id = ${Prisma.raw(user)}
  UNION ALL SELECT 1 FROM organization_members m
    WHERE g.id = g.organization_id AND m.organization_id = g.id AND m.user_id = ${Prisma.raw(user)})`;

async function quotaOf(
  db: Transaction,
  { ownerId, organizationId }: QuotaOwner,
  exceptWorkspaceId: string | null = null,
): Promise<Quota> {
  const [quota] = await db.$queryRaw<Quota[]>`
    SELECT
      (SELECT ${credits(Prisma.sql`sum(b.daily_cost)`)} FROM workspaces w JOIN workspace_builds b ON b.id = w.latest_build_id
        WHERE w.owner_id = ${ownerId}::uuid AND w.organization_id = ${organizationId}::uuid
          AND NOT w.deleted AND w.id IS DISTINCT FROM ${exceptWorkspaceId}::uuid) AS consumed,
      (SELECT ${credits(Prisma.sql`sum(g.quota_allowance)`)} FROM groups g
        WHERE g.organization_id = ${organizationId}::uuid AND ${memberOf(Prisma.sql`${ownerId}::uuid`)}) AS budget,
      ${LIMITED(Prisma.sql`${organizationId}::uuid`)} AS limited`;
  return quota!;
}
