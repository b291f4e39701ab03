import { FleetError, isUuid } from "@fleet/base";
import { ORGANIZATION_ROLES } from "@fleet/rbac";
import { type Database, inTransaction, isUniqueViolation, type Transaction } from "../database/client.js";
import type { Organization, Prisma } from "../database/gen/client.js";
import { sameText } from "../database/text.js";

export type OrganizationRow = Organization;
/** A membership with its user. */
export type MemberRow = Prisma.OrganizationMemberGetPayload<{ include: { user: true } }>;

/** The name of the group of all organization members; its id is the organization's. */
const EVERYONE = "Everyone";

type OrganizationData = Omit<Prisma.OrganizationUpdateInput, "defaultMemberRoles"> & {
  defaultMemberRoles?: string[];
};

/** Storage of organizations and memberships. */
export type OrganizationStore = {
  /** Creates the default organization if none exists. Safe when several replicas start at once. */
  ensureDefault(): Promise<void>;
  /** By uuid, by name, or `default`. */
  find(idOrName: string): Promise<OrganizationRow | null>;
  /** Organizations that are not deleted, oldest first. */
  list(): Promise<OrganizationRow[]>;
  /** Memberships, by username. */
  members(organizationId: string): Promise<MemberRow[]>;
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

    list: () => db.organization.findMany({ where: { deleted: false }, orderBy: { createdAt: "asc" } }),

    members(organizationId) {
      return db.organizationMember.findMany({
        where: { organizationId, user: { deleted: false, isSystem: false } },
        include: { user: true },
        orderBy: { user: { username: "asc" } },
      });
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
