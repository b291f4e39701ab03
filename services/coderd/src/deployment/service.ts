import { randomUUID } from "node:crypto";
import type { Database } from "../database/client.js";

export type Deployment = ReturnType<typeof createDeployment>;

/** Facts of the whole deployment that are kept in Postgres. */
export function createDeployment({ db }: { db: Database }) {
  const get = async (key: string) => (await db.siteConfig.findUnique({ where: { key } }))?.value;
  let id: Promise<string> | undefined;

  return {
    get,
    async set(key: string, value: string): Promise<void> {
      await db.siteConfig.upsert({ where: { key }, create: { key, value }, update: { value } });
    },
    /** The deployment's id, made once for all replicas. */
    id(): Promise<string> {
      id ??= (async () => {
        await db.siteConfig.createMany({
          data: [{ key: "deployment_id", value: randomUUID() }],
          skipDuplicates: true,
        });
        return (await get("deployment_id"))!;
      })();
      id.catch(() => {
        id = undefined;
      });
      return id;
    },
  };
}
