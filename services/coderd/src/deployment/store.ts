import type { Database } from "../database/client.js";

/** Deployment-wide facts, by key. */
export type DeploymentStore = {
  get(key: string): Promise<string | undefined>;
  set(key: string, value: string): Promise<void>;
  /** The stored value; inserts this one if there was none. */
  getOrInsert(key: string, value: string): Promise<string>;
  /** Resolves when Postgres has responded. */
  ping(): Promise<void>;
};

export function createDeploymentStore(db: Database): DeploymentStore {
  const get = async (key: string) => (await db.siteConfig.findUnique({ where: { key } }))?.value;
  return {
    get,
    async set(key, value) {
      await db.siteConfig.upsert({ where: { key }, create: { key, value }, update: { value } });
    },
    async getOrInsert(key, value) {
      await db.siteConfig.createMany({ data: [{ key, value }], skipDuplicates: true });
      return (await get(key))!;
    },
    async ping() {
      await db.$queryRaw`SELECT 1`;
    },
  };
}
