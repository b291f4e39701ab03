import { type Clock, type Closer, type Logger, systemClock } from "@fleet/base";
import { Redis } from "ioredis";
import type { Config } from "./config.js";
import { type Connections, createDatabase, type Database } from "./database/client.js";
import type { Hot } from "./database/hot.js";
import { createPubsub, type Pubsub } from "./pubsub/pubsub.js";

/** What all of the domain stands on. */
export type Platform = {
  config: Config;
  logger: Logger;
  clock: Clock;
  db: Database;
  connections(): Connections;
  hot: Hot;
  redis: Redis;
  pubsub: Pubsub;
};

/** Opens the connections; the closer closes them. Nothing fails here when a server is away: the first use does. */
export function openPlatform(
  options: { config: Config; logger: Logger; clock?: Clock },
  closer: Closer,
): Platform {
  const { config, logger } = options;
  const database = createDatabase({
    url: config.CODER_PG_CONNECTION_URL,
    poolSize: config.CODER_PG_CONN_MAX_OPEN,
  });
  closer.add(() => database.close());
  const redis = new Redis(config.CODER_REDIS_URL, {
    maxRetriesPerRequest: 1,
    enableOfflineQueue: true,
    // Commands of one turn of the event loop leave in one write.
    enableAutoPipelining: true,
    commandTimeout: 5_000,
    retryStrategy: (attempt) => Math.min(attempt * 100, 2_000),
  });
  let reported = false;
  redis.on("error", (error) => {
    if (!reported)
      logger.error("Redis cannot be reached; pending jobs and live updates wait for it", { error });
    reported = true;
  });
  redis.on("ready", () => {
    reported = false;
  });
  closer.add(() => redis.disconnect());
  const pubsub = createPubsub({ redis, prefix: config.CODER_REDIS_PREFIX, logger });
  closer.add(() => pubsub.close());
  return {
    config,
    logger,
    clock: options.clock ?? systemClock,
    db: database.db,
    connections: database.connections,
    hot: database.hot,
    redis,
    pubsub,
  };
}
