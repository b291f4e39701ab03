import { FleetError, isUuid } from "@fleet/base";
import { ORGANIZATION_ROLES, type Reach } from "@fleet/rbac";
import { reachable } from "../auth/predicates.js";
import { type Database, inTransaction, isUniqueViolation, type Transaction } from "../database/client.js";
import { type Organization, Prisma } from "../database/gen/client.js";
import { likeText, sameText } from "../database/text.js";

export type OrganizationRow = Organization;
/** A membership with its user. */
export type MemberRow = Prisma.OrganizationMemberGetPayload<{ include: { user: true } }>;

/** The name of the group of all organization members; its id is the organization's. */
const EVERYONE = "Everyone";

/** A page of members whose username, email or name contains the text; all of them without a limit. */
export type MemberPage = {
  search?: string | undefined;
  limit?: number | undefined;
  offset?: number | undefined;
};

type OrganizationData = Omit<Prisma.OrganizationUpdateInput, "defaultMemberRoles"> & {
  defaultMemberRoles?: string[];
};

/** Storage of organizations and memberships. */
export type OrganizationStore = {
  /** Creates the default organization if none exists. Safe when several replicas start at once. */
  ensureDefault(): Promise<void>;
  /** By uuid, by name, or `default`. */
  find(idOrName: string): Promise<OrganizationRow | null>;
  /** Organizations that are not deleted and within the reach, oldest first; with a member, only that user's. */
  list(reach: Reach, memberId?: string): Promise<OrganizationRow[]>;
  /** One page of the memberships within the reach, by username, and the count of all such. */
  members(
    organizationId: string,
    reach: Reach,
    page: MemberPage,
  ): Promise<{ rows: MemberRow[]; count: number }>;
  /** Creates the organization and its Everyone group. */
  insert(data: Prisma.OrganizationCreateInput): Promise<OrganizationRow>;
  /** @throws already_exists if another organization has this name, conflict if one of the default roles is gone. */
  update(id: string, data: OrganizationData): Promise<OrganizationRow>;
  /** Number of workspaces and templates that are not deleted. */
  countContents(organizationId: string): Promise<number>;
  /** No-op if the user is already a member. */
  addMember(organizationId: string, userId: string): Promise<MemberRow>;
  /** Removes the membership; triggers end what depends on it: groups, and roles on templates and workspaces. */
  removeMember(organizationId: string, userId: string): Promise<void>;
  /** Sets the member's roles in the organization. @throws conflict if one of them is gone. */
  setRoles(organizationId: string, userId: string, roles: string[]): Promise<MemberRow>;
  /** Returns null if the user is not a member. */
  member(organizationId: string, userId: string): Promise<MemberRow | null>;
};

export function createOrganizationStore(db: Database): OrganizationStore {
  return {
    async ensureDefault() {
      await db.$executeRaw`
        INSERT INTO organizations (name, display_name, description, is_default)
        VALUES ('coder', 'Coder', 'Builtin default organization.', true)
        ON CONFLICT DO NOTHING`;
      await db.$executeRaw`
        INSERT INTO groups (id, organization_id, name) SELECT id, id, ${EVERYONE} FROM organizations
        ON CONFLICT DO NOTHING`;
    },

    find(idOrName) {
      const where = isUuid(idOrName)
        ? { id: idOrName }
        : idOrName === "default"
          ? { isDefault: true }
          : { name: sameText(idOrName) };
      return db.organization.findFirst({ where: { deleted: false, ...where } });
    },

    async list(reach, memberId) {
      const visible = reachable(reach, { id: Prisma.sql`o.id`, organization: Prisma.sql`o.id` });
      const member = memberId
        ? Prisma.sql`EXISTS (SELECT 1 FROM organization_members m
            WHERE m.organization_id = o.id AND m.user_id = ${memberId}::uuid)`
        : Prisma.sql`true`;
      const found = await db.$queryRaw<{ id: string }[]>`
        SELECT o.id FROM organizations o WHERE NOT o.deleted AND ${visible} AND ${member}`;
      return db.organization.findMany({
        where: { id: { in: found.map(({ id }) => id) } },
        orderBy: { createdAt: "asc" },
      });
    },

    async members(organizationId, reach, { search, limit, offset = 0 }) {
      // A membership, and what its user owns here, have no id of their own that a credential could be limited to.
      const visible = reachable(reach, {
        id: Prisma.sql`NULL::uuid`,
        organization: Prisma.sql`m.organization_id`,
        owner: Prisma.sql`m.user_id`,
      });
      const text = search ? `%${likeText(search)}%` : undefined;
      const matching = text
        ? Prisma.sql`(u.username ILIKE ${text} OR u.email ILIKE ${text} OR u.name ILIKE ${text})`
        : Prisma.sql`true`;
      const from = Prisma.sql`organization_members m JOIN users u ON u.id = m.user_id
        WHERE m.organization_id = ${organizationId}::uuid AND NOT u.deleted AND NOT u.is_system
          AND ${visible} AND ${matching}`;
      const page = limit ? Prisma.sql`LIMIT ${limit}` : Prisma.empty;
      const [found, counts] = await Promise.all([
        db.$queryRaw<
          { id: string }[]
        >`SELECT m.user_id AS id FROM ${from} ORDER BY u.username ${page} OFFSET ${offset}`,
        db.$queryRaw<{ count: number }[]>`SELECT count(*)::int AS count FROM ${from}`,
      ]);
      const rows = await db.organizationMember.findMany({
        where: { organizationId, userId: { in: found.map(({ id }) => id) } },
        include: { user: true },
        orderBy: { user: { username: "asc" } },
      });
      return { rows, count: counts[0]!.count };
    },

    insert: (data) =>
      inTransaction(db, async (tx) => {
        const row = await tx.organization.create({ data });
        await tx.group.create({ data: { id: row.id, organizationId: row.id, name: EVERYONE } });
        return row;
      }).catch(refuseTaken),
    update: (id, data) =>
      inTransaction(db, async (tx) => {
        await holdRoles(tx, id, data.defaultMemberRoles ?? []);
        return tx.organization.update({ where: { id }, data });
      }).catch(refuseTaken),
    async countContents(organizationId) {
      const where = { organizationId, deleted: false };
      const [workspaces, templates] = await Promise.all([
        db.workspace.count({ where }),
        db.template.count({ where }),
      ]);
      return workspaces + templates;
    },

    addMember: (organizationId, userId) =>
      db.organizationMember.upsert({
        where: { organizationId_userId: { organizationId, userId } },
        create: { organizationId, userId },
        update: {},
        include: { user: true },
      }),
    async removeMember(organizationId, userId) {
      await db.organizationMember.deleteMany({ where: { organizationId, userId } });
    },
    setRoles: (organizationId, userId, roles) =>
      inTransaction(db, async (tx) => {
        await holdRoles(tx, organizationId, roles);
        return tx.organizationMember.update({
          where: { organizationId_userId: { organizationId, userId } },
          data: { roles },
          include: { user: true },
        });
      }),

    member(organizationId, userId) {
      return db.organizationMember.findUnique({
        where: { organizationId_userId: { organizationId, userId } },
        include: { user: true },
      });
    },
  };
}

/**
 * Keeps custom roles from being deleted until the transaction ends, which stores their names: a role that is made later
 * under such a name must not be anybody's already.
 */
async function holdRoles(tx: Transaction, organizationId: string, roles: readonly string[]): Promise<void> {
  const names = [...new Set(roles)].filter((name) => !Object.hasOwn(ORGANIZATION_ROLES, name));
  if (names.length === 0) return;
  const found = await tx.$queryRaw<{ name: string }[]>`
    SELECT name FROM custom_roles WHERE organization_id = ${organizationId}::uuid AND name = ANY(${[...names]}::text[])
    FOR KEY SHARE`;
  if (found.length < names.length)
    throw new FleetError("conflict", "A role was deleted in the meantime. Refresh and try again.");
}

function refuseTaken(error: unknown): never {
  if (!isUniqueViolation(error)) throw error;
  const detail = "An organization with this name already exists. Choose another name.";
  throw new FleetError("already_exists", detail, { validations: [{ field: "name", detail }] });
}
