import { isUuid } from "@fleet/base";
import { type Database, inTransaction, isUniqueViolation, type Transaction } from "../database/client.js";
import type { Prisma } from "../database/gen/client.js";
import type { LoginType, UserStatus } from "../database/gen/enums.js";
import { containsText, sameText } from "../database/text.js";
import { UnknownOrganization, UserTaken } from "./errors.js";

const include = {
  memberships: { select: { organizationId: true, roles: true } },
} satisfies Prisma.UserInclude;

/** A user with its memberships. */
export type UserRow = Prisma.UserGetPayload<{ include: typeof include }>;

/** The users with these ids, by id, whether deleted or not. */
export async function usersById(db: Database, ids: string[]): Promise<Map<string, UserRow>> {
  const users = await db.user.findMany({ where: { id: { in: ids } }, include });
  return new Map(users.map((user) => [user.id, user]));
}

export type NewUser = {
  email: string;
  username: string;
  name: string;
  passwordHash: string;
  status: UserStatus;
  loginType: LoginType;
  roles: string[];
  organizationIds: string[];
};

export type UserFilter = {
  id?: string;
  text?: string;
  status?: UserStatus[];
  roles?: string[];
  loginType?: LoginType[];
  /** Only service accounts, or only people. */
  serviceAccount?: boolean;
};

/** Storage of users and the records that belong to them. */
export type UserStore = {
  /** Number of human users. */
  count(): Promise<number>;
  /**
   * Creates the first user together with its organization; undefined if a user already exists. Concurrent requests
   * create only one user.
   */
  insertFirst(user: Omit<NewUser, "organizationIds">): Promise<UserRow | undefined>;
  /** @throws UserTaken if the email or username is in use, UnknownOrganization. */
  insert(user: NewUser): Promise<UserRow>;
  /** By uuid or by case-insensitive username. */
  find(idOrName: string): Promise<UserRow | null>;
  /** The users that exist, by name. */
  byIds(ids: string[]): Promise<UserRow[]>;
  /** One page of the organization's members whose name or email contains the text, by name. */
  membersOf(
    organizationId: string,
    page: {
      search?: string | undefined;
      except?: string | undefined;
      limit: number;
      offset?: number | undefined;
    },
  ): Promise<UserRow[]>;
  /** The user's most recent value of each parameter for a workspace of the template, without ephemeral parameters. */
  lastParameters(userId: string, templateId: string): Promise<{ name: string; value: string }[]>;
  /** Case-insensitive. */
  findByEmail(email: string): Promise<UserRow | null>;
  /** One page of matching users, by name, and the total count. A limit of 0 means no limit. */
  list(
    filter: UserFilter,
    page: { limit: number; offset: number },
  ): Promise<{ users: UserRow[]; count: number }>;
  /** @throws UserTaken if the email or username is in use. */
  update(id: string, data: Prisma.UserUpdateInput): Promise<UserRow>;
  /** Number of active users with the owner role. */
  countOwners(): Promise<number>;
  /** Number of the user's workspaces that are not deleted. */
  countWorkspaces(ownerId: string): Promise<number>;
  /** The user's settings, by key. */
  configs(userId: string): Promise<Record<string, string>>;
  /** Sets these settings; others are unchanged. */
  setConfigs(userId: string, values: Record<string, string>): Promise<void>;
};

export function createUserStore(db: Database): UserStore {
  const insert = (tx: Transaction, { organizationIds, ...user }: NewUser) =>
    tx.user.create({
      data: {
        ...user,
        memberships: { create: organizationIds.map((organizationId) => ({ organizationId })) },
      },
      include,
    });

  return {
    count: () => db.user.count({ where: { deleted: false, isSystem: false } }),

    async insertFirst(user) {
      return inTransaction(db, async (tx) => {
        await tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtext('first user'))`;
        if ((await tx.user.count({ where: { isSystem: false } })) > 0) return undefined;
        const organization = await tx.organization.findFirstOrThrow({ where: { isDefault: true } });
        return insert(tx, { ...user, organizationIds: [organization.id] });
      });
    },

    async insert(user) {
      const organizationIds = [...new Set(user.organizationIds)];
      return inTransaction(db, async (tx) => {
        const where = { id: { in: organizationIds }, deleted: false };
        if ((await tx.organization.count({ where })) < organizationIds.length)
          throw new UnknownOrganization();
        return insert(tx, { ...user, organizationIds });
      }).catch(refuseTaken);
    },

    async find(idOrName) {
      const byId = isUuid(idOrName);
      return db.user.findFirst({
        where: {
          deleted: false,
          isSystem: false,
          ...(byId ? { id: idOrName } : { username: sameText(idOrName) }),
        },
        include,
      });
    },

    byIds: (ids) =>
      db.user.findMany({ where: { id: { in: ids }, deleted: false }, include, orderBy: { username: "asc" } }),

    membersOf: (organizationId, { search, except, limit, offset = 0 }) =>
      db.user.findMany({
        where: {
          deleted: false,
          isSystem: false,
          memberships: { some: { organizationId } },
          ...(except ? { id: { not: except } } : {}),
          ...(search ? named(search) : {}),
        },
        include,
        orderBy: { username: "asc" },
        take: limit,
        skip: offset,
      }),

    lastParameters: (userId, templateId) =>
      db.$queryRaw`
        SELECT DISTINCT ON (p.name) p.name, p.value
        FROM workspaces w
        JOIN workspace_builds b ON b.workspace_id = w.id AND b.transition = 'start'
        JOIN workspace_build_parameters p ON p.build_id = b.id
        JOIN template_version_parameters d ON d.template_version_id = b.template_version_id AND d.name = p.name
        WHERE w.owner_id = ${userId}::uuid AND w.template_id = ${templateId}::uuid AND NOT d.ephemeral
        ORDER BY p.name, b.created_at DESC`,

    findByEmail: (email) =>
      db.user.findFirst({
        where: { deleted: false, email: sameText(email) },
        include,
      }),

    async list(filter, page) {
      const where: Prisma.UserWhereInput = {
        deleted: false,
        isSystem: false,
        ...(filter.id ? { id: filter.id } : {}),
        ...(filter.text ? named(filter.text) : {}),
        ...(filter.status ? { status: { in: filter.status } } : {}),
        ...(filter.roles ? { roles: { hasSome: filter.roles } } : {}),
        ...(filter.loginType ? { loginType: { in: filter.loginType } } : {}),
        ...(filter.serviceAccount === undefined ? {} : { email: filter.serviceAccount ? "" : { not: "" } }),
      };
      const [users, count] = await Promise.all([
        db.user.findMany({
          where,
          include,
          orderBy: { username: "asc" },
          skip: page.offset,
          ...(page.limit > 0 ? { take: page.limit } : {}),
        }),
        db.user.count({ where }),
      ]);
      return { users, count };
    },

    async update(id, data) {
      return db.user.update({ where: { id }, data, include }).catch(refuseTaken);
    },

    countOwners: () =>
      db.user.count({ where: { deleted: false, status: "active", roles: { has: "owner" } } }),
    countWorkspaces: (ownerId) => db.workspace.count({ where: { ownerId, deleted: false } }),

    async configs(userId) {
      const rows = await db.userConfig.findMany({ where: { userId } });
      return Object.fromEntries(rows.map((row) => [row.key, row.value]));
    },

    async setConfigs(userId, values) {
      await inTransaction(db, async (tx) => {
        for (const [key, value] of Object.entries(values)) {
          await tx.userConfig.upsert({
            where: { userId_key: { userId, key } },
            create: { userId, key, value },
            update: { value },
          });
        }
      });
    },
  };
}

/** Whose username, email or name contains the text. */
function named(text: string): Prisma.UserWhereInput {
  const contains = containsText(text);
  return { OR: [{ username: contains }, { email: contains }, { name: contains }] };
}

function refuseTaken(error: unknown): never {
  if (isUniqueViolation(error, "email")) throw new UserTaken("email");
  if (isUniqueViolation(error)) throw new UserTaken("username");
  throw error;
}
