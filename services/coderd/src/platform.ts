import { type Clock, type Closer, createOutage, type Logger, type Outage, systemClock } from "@fleet/base";
import type { Redis } from "ioredis";
import type { Config } from "./config.js";
import { type Connections, createDatabase, type Database, type UnitOfWork } from "./database/client.js";
import type { Hot } from "./database/hot.js";
import { createDbcrypt, type Dbcrypt } from "./dbcrypt/dbcrypt.js";
import { createEncryptedColumns, type EncryptedColumns } from "./dbcrypt/store.js";
import { createPubsub, type Pubsub } from "./pubsub/pubsub.js";
import { openRedis } from "./redis.js";

/** Infrastructure shared by all domain services. */
export type Platform = {
  config: Config;
  logger: Logger;
  clock: Clock;
  db: Database;
  unitOfWork: UnitOfWork;
  connections(): Connections;
  hot: Hot;
  /** Encryption of values in the database. */
  crypt: Dbcrypt;
  encrypted: EncryptedColumns;
  redis: Redis;
  /** Whether Redis is unavailable. */
  redisOutage: Outage;
  pubsub: Pubsub;
};

/** Opens the connections; the closer closes them. Does not fail if a server is unavailable; the first use does. */
export function openPlatform(
  options: { config: Config; logger: Logger; clock?: Clock },
  closer: Closer,
): Platform {
  const { config, logger, clock = systemClock } = options;
  const databaseOutage = createOutage({
    what: "Postgres",
    setting: "CODER_PG_CONNECTION_URL",
    url: config.CODER_PG_CONNECTION_URL,
    consequence: "Requests fail until the connection is restored.",
    logger,
  });
  const database = createDatabase({
    url: config.CODER_PG_CONNECTION_URL,
    poolSize: config.CODER_PG_CONN_MAX_OPEN,
    clock,
    onAway: databaseOutage.failed,
    onBack: databaseOutage.recovered,
  });
  closer.add(() => database.close());
  const redis = openRedis(config.CODER_REDIS_URL, clock);
  const redisOutage = createOutage({
    what: "Redis",
    setting: "CODER_REDIS_URL",
    url: config.CODER_REDIS_URL,
    consequence: "Pending jobs and live updates are delayed until the connection is restored.",
    logger,
  });
  redis.on("error", redisOutage.failed);
  redis.on("ready", redisOutage.recovered);
  closer.add(() => redis.disconnect());
  const { afterCommit } = database.unitOfWork;
  const pubsub = createPubsub({ redis, prefix: config.CODER_REDIS_PREFIX, logger, clock, afterCommit });
  closer.add(() => pubsub.close());
  return {
    crypt: createDbcrypt(config.CODER_EXTERNAL_TOKEN_ENCRYPTION_KEYS),
    encrypted: createEncryptedColumns(database.db),
    config,
    logger,
    clock,
    db: database.db,
    unitOfWork: database.unitOfWork,
    connections: database.connections,
    hot: database.hot,
    redis,
    redisOutage,
    pubsub,
  };
}
