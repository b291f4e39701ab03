import type { Database } from "../database/client.js";
import type { LoginType, UserStatus } from "../database/gen/enums.js";

export type ApiKeyRow = {
  id: string;
  userId: string;
  username: string;
  loginType: LoginType;
  scopes: string[];
  tokenName: string;
  lifetimeSeconds: number;
  lastUsed: Date;
  expiresAt: Date;
  createdAt: Date;
  updatedAt: Date;
};

/** A key with all that is needed to know who asks: one query for each request. */
export type Session = {
  id: string;
  secretHash: Uint8Array;
  scopes: string[];
  tokenName: string;
  /** The key that made this one, with which it ends. */
  parentId: string | null;
  lifetimeSeconds: number;
  lastUsed: Date;
  expiresAt: Date;
  createdAt: Date;
  userId: string;
  username: string;
  email: string;
  status: UserStatus;
  roles: string[];
  /** Organization id → the member's roles there. */
  orgRoles: Record<string, string[]>;
  groups: string[];
};

export type NewApiKey = {
  id: string;
  userId: string;
  secretHash: Buffer;
  loginType: LoginType;
  scopes: string[];
  tokenName: string;
  lifetimeSeconds: number;
  ipAddress: string;
  expiresAt: Date;
  parentId: string | null;
};

export type ApiKeyStore = ReturnType<typeof createApiKeyStore>;

export function createApiKeyStore(db: Database) {
  const include = { user: { select: { username: true } } } as const;
  type Found = NonNullable<Awaited<ReturnType<typeof findFirst>>>;
  const findFirst = (where: { id: string } | { userId: string; tokenName: string }) =>
    db.apiKey.findFirst({ where, include });
  const toRow = ({ user, lifetimeSeconds, ...key }: Found): ApiKeyRow => ({
    ...key,
    username: user.username,
    lifetimeSeconds: Number(lifetimeSeconds),
  });

  return {
    async insert(key: NewApiKey): Promise<void> {
      await db.apiKey.create({ data: { ...key, secretHash: new Uint8Array(key.secretHash) } });
    },

    async findSession(id: string): Promise<Session | undefined> {
      const rows = await db.$queryRaw<(Omit<Session, "lifetimeSeconds"> & { lifetimeSeconds: bigint })[]>`
        SELECT k.id, k.secret_hash AS "secretHash", k.scopes, k.token_name AS "tokenName", k.parent_id AS "parentId",
               k.lifetime_seconds AS "lifetimeSeconds", k.last_used AS "lastUsed", k.expires_at AS "expiresAt", k.created_at AS "createdAt",
               u.id AS "userId", u.username, u.email, u.status::text AS status, u.roles,
               coalesce((SELECT jsonb_object_agg(m.organization_id, to_jsonb(m.roles))
                         FROM organization_members m JOIN organizations o ON o.id = m.organization_id AND NOT o.deleted
                         WHERE m.user_id = u.id), '{}') AS "orgRoles",
               coalesce((SELECT array_agg(g.group_id::text) FROM group_members g WHERE g.user_id = u.id), '{}')
                 || coalesce((SELECT array_agg(m.organization_id::text)
                              FROM organization_members m WHERE m.user_id = u.id), '{}') AS groups
        FROM api_keys k JOIN users u ON u.id = k.user_id AND NOT u.deleted
        WHERE k.id = ${id}`;
      const row = rows[0];
      return row && { ...row, lifetimeSeconds: Number(row.lifetimeSeconds) };
    },

    /** Notes a use, and extends the session unless its end was moved meanwhile: one that was ended stays so. */
    async touch(
      { id, userId, expiresAt: before }: Pick<Session, "id" | "userId" | "expiresAt">,
      now: Date,
      expiresAt: Date,
    ): Promise<void> {
      await db.$executeRaw`
        WITH key AS (
          UPDATE api_keys SET last_used = ${now}, expires_at = ${expiresAt} WHERE id = ${id} AND expires_at = ${before}
        )
        UPDATE users SET last_seen_at = ${now}, status = CASE WHEN status = 'dormant' THEN 'active' ELSE status END
        WHERE id = ${userId}::uuid`;
    },

    async find(id: string): Promise<ApiKeyRow | undefined> {
      const key = await findFirst({ id });
      return key ? toRow(key) : undefined;
    },

    async findByName(userId: string, tokenName: string): Promise<ApiKeyRow | undefined> {
      const key = await findFirst({ userId, tokenName });
      return key ? toRow(key) : undefined;
    },

    async listTokens(userId: string | undefined): Promise<ApiKeyRow[]> {
      const keys = await db.apiKey.findMany({
        where: { loginType: "token", ...(userId ? { userId } : {}) },
        include,
        orderBy: { createdAt: "asc" },
      });
      return keys.map(toRow);
    },

    /** Marks a key that nobody has used yet as used. False for one that was used, has ended, or is not there. */
    async claim(id: string, now: Date): Promise<boolean> {
      const count = await db.$executeRaw`
        UPDATE api_keys SET last_used = ${now} WHERE id = ${id} AND last_used < created_at AND expires_at > ${now}`;
      return count === 1;
    },

    /** Deletes the key, and with it those that it made. */
    async delete(id: string): Promise<void> {
      await db.apiKey.deleteMany({ where: { id } });
    },

    async deleteAll(userId: string, except?: string): Promise<void> {
      const kept = except
        ? { id: { not: except }, OR: [{ parentId: null }, { parentId: { not: except } }] }
        : {};
      await db.apiKey.deleteMany({ where: { userId, ...kept } });
    },

    /** The user's sessions, and what they made; tokens stay. */
    async deleteSessions(userId: string): Promise<void> {
      await db.apiKey.deleteMany({ where: { userId, tokenName: "" } });
    },

    /** Ends the key now, and with it those that it made. */
    async expire(id: string, now: Date): Promise<void> {
      await db.$executeRaw`
        WITH RECURSIVE ended AS (
          SELECT id FROM api_keys WHERE id = ${id}
          UNION SELECT k.id FROM api_keys k JOIN ended e ON k.parent_id = e.id
        )
        UPDATE api_keys SET expires_at = least(expires_at, ${now}), updated_at = ${now} WHERE id IN (SELECT id FROM ended)`;
    },
  };
}
