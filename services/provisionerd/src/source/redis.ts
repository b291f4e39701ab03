import { randomUUID } from "node:crypto";
import {
  type Clock,
  createBackoff,
  createOutage,
  errorMessage,
  type LogFields,
  type Logger,
} from "@fleet/base";
import { type Job, Worker } from "bullmq";
import { Redis } from "ioredis";
import type { JobSource, TakenJob } from "./source.js";

/** Polling interval: the maximum delay after a lost wake-up. */
const POLL_MS = 1_500;
/** A connection with a pending command and no traffic for this long is replaced. */
const SILENCE_MS = 4_000;
/** How long an ID stays locked if a daemon dies between taking it and claiming its job. */
const LOCK_MS = 30_000;

export type RedisSourceOptions = {
  url: string;
  /** Prefix of this deployment's keys and channels. */
  prefix: string;
  clock: Clock;
  logger: Logger;
};

/**
 * Takes job IDs from BullMQ queues, which coderd fills. A queue contains IDs of pending jobs only: an ID is removed as
 * soon as its job is claimed, so running jobs do not depend on Redis and Redis may be flushed at any time.  Taking
 * never blocks a connection: coderd publishes the queue's name on the channel `<prefix>:jobs:wake` after adding to it,
 * and polling finds what a lost message did not announce.
 */
export function createRedisSource({ url, prefix, clock, logger }: RedisSourceOptions): JobSource {
  const connect = () => {
    const redis = new Redis(url, {
      maxRetriesPerRequest: null,
      enableReadyCheck: false,
      socketTimeout: SILENCE_MS,
      // Operations that slots start in one turn of the event loop are sent in one write.
      enableAutoPipelining: true,
    });
    redis.on("error", outage.failed);
    return redis;
  };
  const outage = createOutage({
    what: "Redis",
    setting: "CODER_REDIS_URL",
    url,
    consequence: "No jobs are acquired until the connection is restored.",
    logger,
  });
  const connection = connect();
  connection.on("ready", outage.recovered);
  const subscriber = connect();
  const token = randomUUID();
  const backoff = createBackoff({ initialMs: 200, maxMs: 10_000, factor: 2 });
  const workers = new Map<string, Worker>();
  const waiters = new Set<(job: TakenJob | undefined) => void>();
  let rotation = 0;
  let pumping = false;
  /** True if the last fetch returned as many IDs as requested. */
  let plenty = false;
  let again = false;

  void subscriber.subscribe(`${prefix}:jobs:wake`).catch(() => {});
  subscriber.on("message", (_channel, queue) => {
    if (workers.has(queue)) pump();
  });
  const poll = clock.every(POLL_MS, () => {
    // A command shows whether the server hangs.
    for (const redis of [connection, subscriber]) if (redis.status === "ready") redis.ping().catch(() => {});
    pump();
  });

  /** Fetches while there are waiters and IDs; never more IDs than waiters. */
  function pump(): void {
    again = true;
    if (pumping) return;
    pumping = true;
    void (async () => {
      try {
        while (again) {
          again = false;
          for (;;) {
            // Slots that become free in one turn of the event loop are served together.
            await new Promise((resolve) => setImmediate(resolve));
            // If there are many IDs, all in one round trip; otherwise one, to see whether there are any.
            const count = plenty ? waiters.size : Math.min(waiters.size, 1);
            if (count === 0) break;
            const taken = await Promise.allSettled(Array.from({ length: count }, fetch));
            const found = taken.flatMap((result) =>
              result.status === "fulfilled" ? (result.value ?? []) : [],
            );
            for (const job of found) await give(job);
            const failed = taken.find((result) => result.status === "rejected");
            if (failed) throw failed.reason;
            plenty = found.length === count;
            if (!plenty) break;
          }
        }
      } catch (error) {
        complain("Could not acquire a job from Redis.", { error: errorMessage(error) });
      } finally {
        pumping = false;
      }
    })();
  }

  async function fetch(): Promise<TakenJob | undefined> {
    const order = [...workers.values()];
    for (let i = 0; i < order.length; i++) {
      const worker = order[(rotation + i) % order.length]!;
      const job: Job<{ id: string }> | undefined = await worker.getNextJob(token, { block: false });
      if (!job) continue;
      rotation = (rotation + i + 1) % order.length;
      return taken(job);
    }
    return undefined;
  }

  function taken(job: Job<{ id: string }>): TakenJob {
    return {
      id: job.data.id,
      async done() {
        backoff.reset();
        await quietly(job.moveToCompleted(null, token, false));
      },
      async putBack() {
        await quietly(job.moveToDelayed(clock.now().getTime() + backoff.next(), token));
      },
    };
  }

  /** While Redis is unavailable every operation fails for the same reason, which is logged once. */
  function complain(message: string, fields: LogFields): void {
    if (outage.sentence === undefined) logger.warn(message, fields);
    else logger.debug(message, fields);
  }

  /** A flushed Redis no longer has the job, so there is nothing to clean up. */
  async function quietly(operation: Promise<unknown>): Promise<void> {
    await operation.catch((error) =>
      logger.debug("Acquired a job that was missing from the queue.", { error: errorMessage(error) }),
    );
  }

  async function give(job: TakenJob): Promise<void> {
    const [next] = waiters;
    if (!next) return job.putBack();
    waiters.delete(next);
    next(job);
  }

  return {
    watch(queues) {
      for (const [name, worker] of workers) {
        if (queues.includes(name)) continue;
        workers.delete(name);
        void quietly(worker.close(true));
      }
      for (const name of queues) {
        if (workers.has(name)) continue;
        const worker = new Worker(name, null, {
          autorun: false,
          connection,
          prefix: `${prefix}:bull`,
          lockDuration: LOCK_MS,
          removeOnComplete: { count: 0 },
        });
        worker.on("error", (error) =>
          complain("The job queue failed.", { queue: name, error: error.message }),
        );
        void quietly(worker.startStalledCheckTimer());
        workers.set(name, worker);
      }
      if (workers.size > 0) pump();
    },
    take(signal) {
      return new Promise((resolve) => {
        if (signal.aborted) return resolve(undefined);
        const settle = (job: TakenJob | undefined) => {
          signal.removeEventListener("abort", onAbort);
          waiters.delete(settle);
          resolve(job);
        };
        const onAbort = () => settle(undefined);
        signal.addEventListener("abort", onAbort, { once: true });
        waiters.add(settle);
        pump();
      });
    },
    get trouble() {
      return outage.sentence;
    },
    async close() {
      poll.cancel();
      for (const settle of [...waiters]) settle(undefined);
      await Promise.all([...workers.values()].map((worker) => quietly(worker.close(true))));
      workers.clear();
      connection.disconnect();
      subscriber.disconnect();
    },
  };
}
