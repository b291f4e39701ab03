import { type Clock, systemClock } from "@fleet/base";
import { Redis, type RedisOptions } from "ioredis";

/** A command that is not answered by then fails. */
const COMMAND_TIMEOUT_MS = 3_000;
/** Each connection asks Redis for a sign of life this often. */
const ASK_EVERY_MS = 2_000;
/** A connection on which a command waits, and nothing came for this long, is given up and made anew. */
const SILENCE_MS = 4_000;
/** Between two tries to connect. */
const RETRY_MAX_MS = 1_000;

/** What every connection to Redis has: a server that hangs is noticed, and found again once it is back. */
const OPTIONS: RedisOptions = {
  maxRetriesPerRequest: 1,
  // While Redis is away a command fails at once: nobody waits for what may be lost at any moment.
  enableOfflineQueue: false,
  // Commands of one turn of the event loop leave in one write.
  enableAutoPipelining: true,
  commandTimeout: COMMAND_TIMEOUT_MS,
  socketTimeout: SILENCE_MS,
  retryStrategy: (attempt) => Math.min(attempt * 100, RETRY_MAX_MS),
};

/** Connects. Nothing fails here when the server is away: commands do. */
export function openRedis(url: string, clock: Clock): Redis {
  return keptAwake(new Redis(url, OPTIONS), clock);
}

/** A further connection to the same server. */
export function duplicateRedis(
  redis: Redis,
  options: Partial<RedisOptions> = {},
  clock: Clock = systemClock,
): Redis {
  return keptAwake(redis.duplicate(options), clock);
}

/** On a connection that waits for nothing, a hang would show only when it is needed. */
function keptAwake(redis: Redis, clock: Clock): Redis {
  const timer = clock.every(ASK_EVERY_MS, () => {
    if (redis.status === "ready") redis.ping().catch(() => {}); // It shows as silence.
  });
  redis.once("end", () => timer.cancel());
  return redis;
}

/** Resolves once the connection is there, or after `limitMs`. */
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
