import type { Reach } from "@fleet/rbac";
import { Prisma } from "../database/gen/client.js";

/** The columns of a list's rows that the policy asks for, as SQL. */
export type ReachColumns = {
  id: Prisma.Sql;
  /** Absent for what belongs to no organization. */
  organization?: Prisma.Sql;
  owner?: Prisma.Sql;
  /** Access lists as stored, and the roles in them that allow the action. */
  acl?: { users: Prisma.Sql; groups: Prisma.Sql; roles: readonly string[] };
};

const NEVER = Prisma.sql`false`;
const ALWAYS = Prisma.sql`true`;

/**
 * The condition that holds for the rows on which `authorize` allows the action, so that a list reads no others and its
 * count and pages are of these alone.
 */
export function reachable(reach: Reach, { id, organization, owner, acl }: ReachColumns): Prisma.Sql {
  const limited = reach.ids ? Prisma.sql`${id} = ANY(${uuids(reach.ids)})` : ALWAYS;
  if (reach.everywhere) return limited;
  const isOwn = owner ? Prisma.sql`${owner} = ${reach.userId}::uuid` : NEVER;
  if (!organization) return reach.own ? Prisma.sql`(${isOwn} AND ${limited})` : NEVER;
  const within = (ids: readonly string[]) =>
    ids.length > 0 ? Prisma.sql`${organization} = ANY(${uuids(ids)})` : NEVER;
  const ways = [within(reach.organizations)];
  if (owner && reach.ownIn.length > 0) ways.push(Prisma.sql`(${isOwn} AND ${within(reach.ownIn)})`);
  if (acl && acl.roles.length > 0 && reach.aclIn.length > 0)
    ways.push(Prisma.sql`(${within(reach.aclIn)} AND ${sharedWith(reach, acl)})`);
  return Prisma.sql`((${Prisma.join(ways, " OR ")}) AND ${limited})`;
}

/** An entry of the user or of one of its groups with one of the roles. `?` and `?|` use the lists' indexes. */
function sharedWith(reach: Reach, { users, groups, roles }: NonNullable<ReachColumns["acl"]>): Prisma.Sql {
  const wanted = [...roles];
  const mine = [...reach.groups];
  return Prisma.sql`(
    (${users} ? ${reach.userId} AND ${users} -> ${reach.userId} ?| ${wanted}::text[])
    OR (${groups} ?| ${mine}::text[] AND EXISTS (SELECT 1 FROM jsonb_each(${groups}) entry
      WHERE entry.key = ANY(${mine}::text[]) AND entry.value ?| ${wanted}::text[])))`;
}

const uuids = (ids: readonly string[]) => Prisma.sql`${[...ids]}::uuid[]`;
