import { type Clock, systemClock } from "@fleet/base";
import { Redis, type RedisOptions } from "ioredis";

/** A command without a reply after this long fails. */
const COMMAND_TIMEOUT_MS = 3_000;
/** How often each connection pings Redis. */
const ASK_EVERY_MS = 2_000;
/** A connection with a pending command that receives nothing for this long is closed and reopened. */
const SILENCE_MS = 4_000;
/** Maximum delay between connection attempts. */
const RETRY_MAX_MS = 1_000;

/** Options of every Redis connection: detect a server that hangs, and reconnect when it is back. */
const OPTIONS: RedisOptions = {
  maxRetriesPerRequest: 1,
  // While Redis is unavailable commands fail immediately: no caller should wait for data that may be lost anyway.
  enableOfflineQueue: false,
  // Commands issued in one turn of the event loop are sent in one write.
  enableAutoPipelining: true,
  commandTimeout: COMMAND_TIMEOUT_MS,
  socketTimeout: SILENCE_MS,
  retryStrategy: (attempt) => Math.min(attempt * 100, RETRY_MAX_MS),
};

/** Connects. Does not fail if the server is unavailable; commands do. */
export function openRedis(url: string, clock: Clock): Redis {
  return keptAwake(new Redis(url, OPTIONS), clock);
}

/** Opens another connection to the same server. */
export function duplicateRedis(
  redis: Redis,
  options: Partial<RedisOptions> = {},
  clock: Clock = systemClock,
): Redis {
  return keptAwake(redis.duplicate(options), clock);
}

/** Pings, because a hang of an idle connection would otherwise go unnoticed until it is needed. */
function keptAwake(redis: Redis, clock: Clock): Redis {
  const timer = clock.every(ASK_EVERY_MS, () => {
    if (redis.status === "ready") redis.ping().catch(() => {}); // The socket timeout detects it.
  });
  redis.once("end", () => timer.cancel());
  return redis;
}

/** Resolves once connected, or after `limitMs`. */
export async function connectedWithin(redis: Redis, limitMs: number, clock: Clock): Promise<void> {
  if (redis.status === "ready") return;
  await new Promise<void>((resolve) => {
    const timer = clock.after(limitMs, resolve);
    redis.once("ready", () => {
      timer.cancel();
      resolve();
    });
  });
}
