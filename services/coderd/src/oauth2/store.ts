import type { Database } from "../database/client.js";
import type { Prisma } from "../database/gen/client.js";

/** How a client authenticates at the token endpoint. */
export const AUTH_METHODS = ["client_secret_basic", "client_secret_post", "none"] as const;
export type AuthMethod = (typeof AUTH_METHODS)[number];

export type AppRow = {
  id: string;
  name: string;
  icon: string;
  redirectUris: string[];
  scope: string;
  authMethod: string;
  registrationHash: Uint8Array | null;
  metadata: Prisma.JsonValue;
  createdAt: Date;
};

export type AppFields = Pick<AppRow, "name" | "icon" | "redirectUris" | "scope" | "authMethod"> & {
  metadata?: Prisma.InputJsonObject;
};

export type SecretRow = { id: string; hint: string; lastUsedAt: Date | null; createdAt: Date };

export type GrantRow = {
  id: string;
  appId: string;
  userId: string;
  scopes: string[];
  codeChallenge: string;
  codeExpiresAt: Date;
  redirectUri: string;
  redeemedAt: Date | null;
};

export type NewGrant = Omit<GrantRow, "id" | "redeemedAt"> & { codeHash: Buffer };

/** A refresh token with what its use depends on. */
export type RefreshRow = { id: string; expiresAt: Date; usedAt: Date | null; grant: GrantRow };

/** Stores apps, their secrets, and what users granted to them. Secrets, codes and tokens are given as their hashes. */
export type OAuth2Store = {
  listApps(): Promise<AppRow[]>;
  /** The apps with a grant of this user that has not expired. */
  listAuthorizedApps(userId: string, now: Date): Promise<AppRow[]>;
  findApp(id: string): Promise<AppRow | undefined>;
  insertApp(app: AppFields & { registrationHash?: Buffer }): Promise<AppRow>;
  updateApp(id: string, fields: Partial<AppFields>): Promise<AppRow>;
  /** Deletes the app with all that depends on it. */
  deleteApp(id: string): Promise<void>;
  /** How many self-registered apps no user has authorized yet. */
  countPendingApps(): Promise<number>;

  listSecrets(appId: string): Promise<SecretRow[]>;
  insertSecret(appId: string, secretHash: Buffer, hint: string): Promise<string>;
  /** False if the app has no such secret. */
  deleteSecret(appId: string, id: string): Promise<boolean>;
  /** Records a use. False if the app has no such secret. */
  useSecret(appId: string, secretHash: Buffer, now: Date): Promise<boolean>;

  /** Inserts a grant with its code, and deletes the user's oldest ones of the app beyond `kept`. */
  insertGrant(grant: NewGrant, kept: number, now: Date): Promise<string>;
  findGrant(codeHash: Buffer): Promise<GrantRow | undefined>;
  /** The grant, which nobody else can use or revoke before the end of the unit of work. */
  lockGrant(id: string): Promise<GrantRow | undefined>;
  /** Marks the code as exchanged. False if it already was, or has expired. */
  redeem(grantId: string, now: Date): Promise<boolean>;
  /** Deletes the grant; its tokens end with it. */
  deleteGrant(id: string): Promise<void>;
  /** Deletes all grants of the user to the app. */
  deleteGrants(userId: string, appId: string): Promise<void>;
  /** Whether the user may sign in. */
  isActive(userId: string): Promise<boolean>;

  insertRefreshToken(grantId: string, tokenHash: Buffer, expiresAt: Date): Promise<void>;
  findRefreshToken(tokenHash: Buffer): Promise<RefreshRow | undefined>;
  /** Marks the token as used. False if it already was, or has expired. */
  useRefreshToken(id: string, now: Date): Promise<boolean>;
  /** The access token's key and its secret's hash, if it was issued to the app. */
  findAccessToken(appId: string, keyId: string): Promise<Uint8Array | undefined>;
};

const grantFields = {
  id: true,
  appId: true,
  userId: true,
  scopes: true,
  codeChallenge: true,
  codeExpiresAt: true,
  redirectUri: true,
  redeemedAt: true,
} satisfies Prisma.OAuth2ProviderGrantSelect;

const bytes = (hash: Buffer) => new Uint8Array(hash);

export function createOAuth2Store(db: Database): OAuth2Store {
  return {
    listApps: () => db.oAuth2ProviderApp.findMany({ orderBy: [{ name: "asc" }, { id: "asc" }] }),
    listAuthorizedApps: (userId, now) =>
      db.oAuth2ProviderApp.findMany({
        where: { grants: { some: { userId, redeemedAt: { not: null }, expiresAt: { gt: now } } } },
        orderBy: [{ name: "asc" }, { id: "asc" }],
      }),
    findApp: async (id) => (await db.oAuth2ProviderApp.findUnique({ where: { id } })) ?? undefined,
    insertApp: ({ registrationHash, ...fields }) =>
      db.oAuth2ProviderApp.create({
        data: { ...fields, ...(registrationHash ? { registrationHash: bytes(registrationHash) } : {}) },
      }),
    updateApp: (id, fields) => db.oAuth2ProviderApp.update({ where: { id }, data: fields }),
    async deleteApp(id) {
      await db.oAuth2ProviderApp.deleteMany({ where: { id } });
    },
    countPendingApps: () =>
      db.oAuth2ProviderApp.count({ where: { registrationHash: { not: null }, authorizedAt: null } }),

    listSecrets: (appId) =>
      db.oAuth2ProviderAppSecret.findMany({
        where: { appId },
        select: { id: true, hint: true, lastUsedAt: true, createdAt: true },
        orderBy: [{ createdAt: "asc" }, { id: "asc" }],
      }),
    async insertSecret(appId, secretHash, hint) {
      const data = { appId, secretHash: bytes(secretHash), hint };
      return (await db.oAuth2ProviderAppSecret.create({ data, select: { id: true } })).id;
    },
    async deleteSecret(appId, id) {
      return (await db.oAuth2ProviderAppSecret.deleteMany({ where: { id, appId } })).count === 1;
    },
    async useSecret(appId, secretHash, now) {
      const { count } = await db.oAuth2ProviderAppSecret.updateMany({
        where: { appId, secretHash: bytes(secretHash) },
        data: { lastUsedAt: now },
      });
      return count === 1;
    },

    async insertGrant({ codeHash, ...grant }, kept, now) {
      const { appId, userId, codeExpiresAt } = grant;
      const { id } = await db.oAuth2ProviderGrant.create({
        data: { ...grant, codeHash: bytes(codeHash), expiresAt: codeExpiresAt },
        select: { id: true },
      });
      await db.oAuth2ProviderApp.update({ where: { id: appId }, data: { authorizedAt: now } });
      await db.$executeRaw`
        DELETE FROM oauth2_provider_grants WHERE id IN (
          SELECT id FROM oauth2_provider_grants WHERE user_id = ${userId}::uuid AND app_id = ${appId}::uuid
          ORDER BY created_at DESC, id OFFSET ${kept})`;
      return id;
    },
    async findGrant(codeHash) {
      const where = { codeHash: bytes(codeHash) };
      return (await db.oAuth2ProviderGrant.findUnique({ where, select: grantFields })) ?? undefined;
    },
    async lockGrant(id) {
      const rows = await db.$queryRaw<GrantRow[]>`
        SELECT id, app_id AS "appId", user_id AS "userId", scopes, code_challenge AS "codeChallenge",
               code_expires_at AS "codeExpiresAt", redirect_uri AS "redirectUri", redeemed_at AS "redeemedAt"
        FROM oauth2_provider_grants WHERE id = ${id}::uuid FOR UPDATE`;
      return rows[0];
    },
    async redeem(grantId, now) {
      const { count } = await db.oAuth2ProviderGrant.updateMany({
        where: { id: grantId, redeemedAt: null, codeExpiresAt: { gt: now } },
        data: { redeemedAt: now },
      });
      return count === 1;
    },
    async deleteGrant(id) {
      await db.oAuth2ProviderGrant.deleteMany({ where: { id } });
    },
    async deleteGrants(userId, appId) {
      await db.oAuth2ProviderGrant.deleteMany({ where: { userId, appId } });
    },
    async isActive(userId) {
      const where = { id: userId, deleted: false, status: { not: "suspended" as const } };
      return (await db.user.count({ where })) === 1;
    },

    async insertRefreshToken(grantId, tokenHash, expiresAt) {
      await db.oAuth2ProviderRefreshToken.create({
        data: { grantId, tokenHash: bytes(tokenHash), expiresAt },
      });
      await db.oAuth2ProviderGrant.update({ where: { id: grantId }, data: { expiresAt } });
    },
    async findRefreshToken(tokenHash) {
      const found = await db.oAuth2ProviderRefreshToken.findUnique({
        where: { tokenHash: bytes(tokenHash) },
        select: { id: true, expiresAt: true, usedAt: true, grant: { select: grantFields } },
      });
      return found ?? undefined;
    },
    async useRefreshToken(id, now) {
      const { count } = await db.oAuth2ProviderRefreshToken.updateMany({
        where: { id, usedAt: null, expiresAt: { gt: now } },
        data: { usedAt: now },
      });
      return count === 1;
    },
    async findAccessToken(appId, keyId) {
      const where = { id: keyId, oauth2Grant: { appId } };
      return (await db.apiKey.findFirst({ where, select: { secretHash: true } }))?.secretHash;
    },
  };
}

/**
 * Deletes self-registered apps that no user authorized since `pendingBefore`, and those whose last grant ended, last
 * authorized before `unusedBefore`. At most `limit`.
 */
export function deleteUnusedApps(
  db: Database,
  { pendingBefore, unusedBefore, limit }: { pendingBefore: Date; unusedBefore: Date; limit: number },
): Promise<number> {
  return db.$executeRaw`
    DELETE FROM oauth2_provider_apps WHERE id IN (
      SELECT a.id FROM oauth2_provider_apps a
      WHERE a.registration_hash IS NOT NULL
        AND CASE WHEN a.authorized_at IS NULL THEN a.created_at < ${pendingBefore} ELSE a.authorized_at < ${unusedBefore} END
        AND NOT EXISTS (SELECT 1 FROM oauth2_provider_grants g WHERE g.app_id = a.id)
      LIMIT ${limit})`;
}
