export { abortable, abortError } from "./abort.js";
export { surviveRefusedConnections } from "./accepting.js";
export { type Address, formatAddress, parseAddress } from "./address.js";
export { AGENT_NAME, APP_SLUG } from "./address-names.js";
export {
  type Backoff,
  type BackoffPolicy,
  createBackoff,
  RECONNECT,
  type RetryOptions,
  retry,
} from "./backoff.js";
export { type Batcher, type BatchOptions, createBatcher } from "./batch.js";
export { parseBoolean } from "./boolean.js";
export { type Cache, type CacheOptions, createCache, createCachedValue } from "./cache.js";
export { type Clock, systemClock, type Timer } from "./clock.js";
export { type Closable, type Closer, createCloser } from "./closer.js";
export { drained } from "./drained.js";
export { formatDuration, parseDuration } from "./duration.js";
export {
  codeOfGrpcStatus,
  ERROR_CODES,
  type ErrorCode,
  errorMessage,
  type FieldViolation,
  FleetError,
  type FleetErrorOptions,
  isFleetError,
  toFleetError,
} from "./errors.js";
export {
  createGrants,
  type Grant,
  type GrantChange,
  type Grants,
  type GrantsOptions,
  type Verdict,
} from "./grants.js";
export { type LogFields, type Logger, nullLogger } from "./logger.js";
export { createOutage, type Outage, type OutageOptions } from "./outage.js";
export { inParallel } from "./parallel.js";
export { type Running, type RunProcess, runProcess } from "./process.js";
export { isUuid } from "./uuid.js";
export { REVISION, VERSION } from "./version.js";
export {
  AGENT_RPC_PROTOCOL,
  bearerToken,
  DAEMON_KEY_HEADER,
  DAEMON_PSK_HEADER,
  MIN_PORT,
  PROVISIONER_RPC_PROTOCOL,
  SESSION_COOKIE,
  SESSION_HEADER,
  STREAM_PROTOCOL,
  TUNNEL_PROTOCOL,
} from "./wire.js";
