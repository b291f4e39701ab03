export { type ChildExit, type ServerChild, type ServerChildOptions, spawnServer } from "./child.js";
export { freePort, isPortFree } from "./ports.js";
export {
  type Postgres,
  type PostgresOptions,
  postgresUrl,
  reachableDataDir,
  startPostgres,
} from "./postgres.js";
export { type Redis, type RedisOptions, startRedis } from "./redis.js";
