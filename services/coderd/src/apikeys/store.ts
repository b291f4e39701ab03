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
  lifetimeSeconds: number;
  lastUsed: Date;
  expiresAt: Date;
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
        SELECT k.id, k.secret_hash AS "secretHash", k.scopes, k.token_name AS "tokenName",
               k.lifetime_seconds AS "lifetimeSeconds", k.last_used AS "lastUsed", k.expires_at AS "expiresAt",
               u.id AS "userId", u.username, u.email, u.status::text AS status, u.roles,
               coalesce((SELECT jsonb_object_agg(m.organization_id, to_jsonb(m.roles))
                         FROM organization_members m WHERE m.user_id = u.id), '{}') AS "orgRoles",
               coalesce((SELECT array_agg(g.group_id::text) FROM group_members g WHERE g.user_id = u.id), '{}')
                 || coalesce((SELECT array_agg(m.organization_id::text)
                              FROM organization_members m WHERE m.user_id = u.id), '{}') AS groups
        FROM api_keys k JOIN users u ON u.id = k.user_id AND NOT u.deleted
        WHERE k.id = ${id}`;
      const row = rows[0];
      return row && { ...row, lifetimeSeconds: Number(row.lifetimeSeconds) };
    },

    async touch(id: string, userId: string, now: Date, expiresAt: Date): Promise<void> {
      await db.$executeRaw`
        WITH key AS (UPDATE api_keys SET last_used = ${now}, expires_at = ${expiresAt} WHERE id = ${id})
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

    async delete(id: string): Promise<void> {
      await db.apiKey.deleteMany({ where: { id } });
    },

    async deleteAll(userId: string, except?: string): Promise<void> {
      await db.apiKey.deleteMany({ where: { userId, ...(except ? { id: { not: except } } : {}) } });
    },

    async expire(id: string, now: Date): Promise<void> {
      await db.apiKey.updateMany({ where: { id }, data: { expiresAt: now } });
    },
  };
}
