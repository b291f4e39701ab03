import type { Database } from "../database/client.js";

/** Key purposes. The first two are upstream's names. */
export type KeyFeature = "workspace_apps_token" | "workspace_apps_api_key" | "deployment";

export type CryptoKeyStore = {
  /** The feature's secrets, newest first. */
  secrets(feature: KeyFeature): Promise<string[]>;
  /** Stores the feature's first secret. If another replica was faster, its secret is kept. */
  insertFirst(feature: KeyFeature, secret: string): Promise<void>;
};

export function createCryptoKeyStore(db: Database): CryptoKeyStore {
  return {
    async secrets(feature) {
      const rows = await db.cryptoKey.findMany({ where: { feature }, orderBy: { sequence: "desc" } });
      return rows.map((row) => row.secret);
    },
    async insertFirst(feature, secret) {
      await db.$executeRaw`
        INSERT INTO crypto_keys (feature, sequence, secret, starts_at) VALUES (${feature}, 1, ${secret}, now())
        ON CONFLICT DO NOTHING`;
    },
  };
}
