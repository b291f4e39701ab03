import type { Reach, Subject } from "@fleet/rbac";
import type { Database } from "../database/client.js";
import { Prisma } from "../database/gen/client.js";
import type { LoginType, UserStatus } from "../database/gen/enums.js";
import { ORG_ROLES, type StoredOrgRoles, toOrgRoles } from "../roles/predicates.js";

export type ApiKeyRow = {
  id: string;
  userId: string;
  username: string;
  loginType: LoginType;
  scopes: string[];
  allowList: string[];
  tokenName: string;
  oauth2GrantId: string | null;
  lifetimeSeconds: number;
  ipAddress: string;
  lastUsed: Date;
  expiresAt: Date;
  createdAt: Date;
  updatedAt: Date;
};

/** A key with everything authentication needs, so that each request takes one query. */
export type Session = {
  id: string;
  secretHash: Uint8Array;
  scopes: string[];
  /** `type:id`; empty for no limit. */
  allowList: string[];
  tokenName: string;
  /** The parent key, with which this one ends. */
  parentId: string | null;
  /** Of an access token of an OAuth2 app: the grant, with which it ends. */
  oauth2GrantId: string | null;
  lifetimeSeconds: number;
  lastUsed: Date;
  expiresAt: Date;
  createdAt: Date;
  userId: string;
  username: string;
  email: string;
  status: UserStatus;
  roles: string[];
  /** What the member's roles grant, by organization id. */
  orgRoles: Subject["orgRoles"];
  groups: string[];
};

/** A user's part of a session. */
export type SessionUser = Pick<
  Session,
  "userId" | "username" | "email" | "status" | "roles" | "orgRoles" | "groups"
>;

export type NewApiKey = {
  id: string;
  userId: string;
  secretHash: Buffer;
  loginType: LoginType;
  scopes: string[];
  allowList: string[];
  tokenName: string;
  lifetimeSeconds: number;
  ipAddress: string;
  expiresAt: Date;
  parentId: string | null;
  oauth2GrantId: string | null;
};

/** Stores API keys. */
export type ApiKeyStore = {
  /** Inserts a key. A token's name is unique per user. */
  insert(key: NewApiKey): Promise<void>;
  /** The session of this key; undefined if it does not exist. */
  findSession(id: string): Promise<Session | undefined>;
  /** The same of a user without a key; undefined if it does not exist. */
  findUser(id: string): Promise<SessionUser | undefined>;
  /** Records a use and extends the session, unless its expiry was changed meanwhile: an ended session stays ended. */
  touch(session: Pick<Session, "id" | "userId" | "expiresAt">, now: Date, expiresAt: Date): Promise<void>;
  /** Finds a key by id. */
  find(id: string): Promise<ApiKeyRow | undefined>;
  /** Finds a user's token by name. */
  findByName(userId: string, tokenName: string): Promise<ApiKeyRow | undefined>;
  /** Tokens within the reach, of a user, or of all users if undefined; only those that end after this moment, if given. */
  listTokens(userId: string | undefined, endsAfter: Date | undefined, reach: Reach): Promise<ApiKeyRow[]>;
  /** The user's sign-ins that end after this moment, last used first, at most 200; not what they created. */
  listSessions(userId: string, endsAfter: Date): Promise<ApiKeyRow[]>;
  /** Marks an unused key as used. False if it was already used, has expired or does not exist. */
  claim(id: string, now: Date): Promise<boolean>;
  /** Deletes the key and the keys it created. */
  delete(id: string): Promise<void>;
  /** Deletes all of the user's keys except the given one, and what the user granted to apps. */
  deleteAll(userId: string, except?: string): Promise<void>;
  /** Deletes the user's sessions and the keys they created, and what the user granted to apps; tokens are kept. */
  deleteSessions(userId: string): Promise<void>;
  /** Expires the key and the keys it created. */
  expire(id: string, now: Date): Promise<void>;
};

/** Sessions in a list. */
const MAX_SESSIONS = 200;

/** What authentication needs of user `u`. */
const USER = Prisma.sql`u.id AS "userId", u.username, u.email, u.status::text AS status, u.roles,
  ${ORG_ROLES} AS "orgRoles",
  coalesce((SELECT array_agg(g.group_id::text) FROM group_members g WHERE g.user_id = u.id), '{}')
    || coalesce((SELECT array_agg(m.organization_id::text)
                 FROM organization_members m WHERE m.user_id = u.id), '{}') AS groups`;

const include = { user: { select: { username: true } } } satisfies Prisma.ApiKeyInclude;
type Found = Prisma.ApiKeyGetPayload<{ include: typeof include }>;

export function createApiKeyStore(db: Database): ApiKeyStore {
  const findFirst = (where: { id: string } | { userId: string; tokenName: string }) =>
    db.apiKey.findFirst({ where, include });
  const toRow = ({ user, lifetimeSeconds, ...key }: Found): ApiKeyRow => ({
    ...key,
    username: user.username,
    lifetimeSeconds: Number(lifetimeSeconds),
  });

  return {
    async insert(key) {
      await db.apiKey.create({ data: { ...key, secretHash: new Uint8Array(key.secretHash) } });
    },

    async findSession(id) {
      type Found = Omit<Session, "lifetimeSeconds" | "orgRoles"> & {
        lifetimeSeconds: bigint;
        orgRoles: StoredOrgRoles;
      };
      const rows = await db.$queryRaw<Found[]>`
        SELECT k.id, k.secret_hash AS "secretHash", k.scopes, k.allow_list AS "allowList", k.token_name AS "tokenName", k.parent_id AS "parentId", k.oauth2_grant_id AS "oauth2GrantId",
               k.lifetime_seconds AS "lifetimeSeconds", k.last_used AS "lastUsed", k.expires_at AS "expiresAt", k.created_at AS "createdAt",
               ${USER}
        FROM api_keys k JOIN users u ON u.id = k.user_id AND NOT u.deleted
        WHERE k.id = ${id}`;
      const row = rows[0];
      return (
        row && {
          ...row,
          lifetimeSeconds: Number(row.lifetimeSeconds),
          orgRoles: toOrgRoles(row.orgRoles),
        }
      );
    },

    async findUser(id) {
      const [row] = await db.$queryRaw<(Omit<SessionUser, "orgRoles"> & { orgRoles: StoredOrgRoles })[]>`
        SELECT ${USER} FROM users u WHERE u.id = ${id}::uuid AND NOT u.deleted`;
      return row && { ...row, orgRoles: toOrgRoles(row.orgRoles) };
    },

    async touch({ id, userId, expiresAt: before }, now, expiresAt) {
      await db.$executeRaw`
        WITH key AS (
          UPDATE api_keys SET last_used = ${now}, expires_at = ${expiresAt} WHERE id = ${id} AND expires_at = ${before}
        )
        UPDATE users SET last_seen_at = ${now}, status = CASE WHEN status = 'dormant' THEN 'active' ELSE status END
        WHERE id = ${userId}::uuid`;
    },

    async find(id) {
      const key = await findFirst({ id });
      return key ? toRow(key) : undefined;
    },

    async findByName(userId, tokenName) {
      const key = await findFirst({ userId, tokenName });
      return key ? toRow(key) : undefined;
    },

    async listTokens(userId, endsAfter, reach) {
      const nothing = reach.ids !== undefined || !(reach.everywhere || reach.own);
      if (nothing) return [];
      const visible = reach.everywhere ? {} : { userId: reach.userId };
      const keys = await db.apiKey.findMany({
        where: {
          loginType: "token",
          AND: [visible, userId ? { userId } : {}],
          ...(endsAfter ? { expiresAt: { gt: endsAfter } } : {}),
        },
        include,
        orderBy: { createdAt: "asc" },
      });
      return keys.map(toRow);
    },

    async listSessions(userId, endsAfter) {
      const keys = await db.apiKey.findMany({
        where: {
          userId,
          tokenName: "",
          loginType: { not: "token" },
          parentId: null,
          oauth2GrantId: null,
          expiresAt: { gt: endsAfter },
        },
        include,
        orderBy: [{ lastUsed: "desc" }, { createdAt: "desc" }],
        take: MAX_SESSIONS,
      });
      return keys.map(toRow);
    },

    async claim(id, now) {
      const count = await db.$executeRaw`
        UPDATE api_keys SET last_used = ${now} WHERE id = ${id} AND last_used < created_at AND expires_at > ${now}`;
      return count === 1;
    },

    async delete(id) {
      await db.apiKey.deleteMany({ where: { id } });
    },

    async deleteAll(userId, except) {
      const kept = except
        ? { id: { not: except }, OR: [{ parentId: null }, { parentId: { not: except } }] }
        : {};
      await db.apiKey.deleteMany({ where: { userId, ...kept } });
      await db.oAuth2ProviderGrant.deleteMany({ where: { userId } });
    },

    async deleteSessions(userId) {
      await db.apiKey.deleteMany({ where: { userId, tokenName: "" } });
      await db.oAuth2ProviderGrant.deleteMany({ where: { userId } });
    },

    async expire(id, now) {
      await db.$executeRaw`
        WITH RECURSIVE ended AS (
          SELECT id FROM api_keys WHERE id = ${id}
          UNION SELECT k.id FROM api_keys k JOIN ended e ON k.parent_id = e.id
        )
        UPDATE api_keys SET expires_at = least(expires_at, ${now}), updated_at = ${now} WHERE id IN (SELECT id FROM ended)`;
    },
  };
}
