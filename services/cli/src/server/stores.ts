import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Clock, Logger } from "@fleet/base";
import { reachableDataDir, startPostgres, startRedis } from "@fleet/embedded";
import { keptSecret } from "./secrets.js";
import { type Supervised, supervise } from "./supervise.js";

export type StoreOptions = {
  /** The configuration folder. */
  folder: string;
  logger: Logger;
  clock: Clock;
  note(text: string): void;
  step: Step;
};

/** Runs a startup step and reports it. */
export type Step = <T>(name: string, start: () => Promise<T>) => Promise<T>;

export type Store = Supervised & { url: string };

/** Data folder of a deployment's built-in Postgres. */
export function postgresFolder(folder: string, logger: Logger): Promise<string> {
  const preferred = join(folder, "postgres");
  const id = createHash("sha256").update(folder).digest("hex").slice(0, 12);
  const other = join("/var/lib/coder", id, "postgres");
  // Never replace an existing database with an empty one elsewhere.
  return reachableDataDir(preferred, existsSync(preferred) ? preferred : other, logger);
}

/** The built-in Postgres. Keeps its port and password when restarted after a crash. */
export async function superviseStorePostgres({
  folder,
  logger,
  clock,
  note,
  step,
}: StoreOptions): Promise<Store> {
  const dataDir = await postgresFolder(folder, logger);
  let url = "";
  const supervised = await supervise({
    name: "Postgres",
    clock,
    note,
    async start() {
      const postgres = await step("Postgres", () => startPostgres({ dataDir, logger }));
      url = postgres.url;
      return { exited: postgres.exited, stop: () => postgres.close() };
    },
  });
  return { ...supervised, url };
}

/** The built-in Redis, in memory only: its content is rebuilt from Postgres. */
export async function superviseStoreRedis({
  folder,
  logger,
  clock,
  note,
  step,
}: StoreOptions): Promise<Store> {
  const password = await keptSecret(join(folder, "server"), "redis-password");
  let port: number | undefined;
  let url = "";
  const supervised = await supervise({
    name: "Redis",
    clock,
    note,
    async start() {
      const redis = await step("Redis", () =>
        startRedis({ dir: join(folder, "redis"), port, password, logger }),
      );
      port = redis.port;
      url = redis.url;
      return { exited: redis.exited, stop: () => redis.close() };
    },
  });
  return { ...supervised, url };
}
