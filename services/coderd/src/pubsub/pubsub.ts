import { type Clock, createCloser, errorMessage, type Logger, systemClock } from "@fleet/base";
import type { Redis } from "ioredis";
import type { UnitOfWork } from "../database/unit-of-work.js";
import { connectedWithin, duplicateRedis } from "../redis.js";

/** A hint to read Postgres again; contains ids, never the data itself. */
export type PubsubMessage = Record<string, unknown>;

/**
 * Publish and subscribe over Redis, between all replicas. Delivery is at most once: a subscriber reads Postgres when
 * it starts and on each `resync` (Redis was unavailable), and also polls slowly as a safety net.
 */
export type Pubsub = {
  /** Publishes a message; inside a unit of work, after it commits. */
  publish(channel: string, message: PubsubMessage): void;
  /**
   * Messages of the channel once the promise has resolved, until the signal aborts. While Redis is unavailable
   * there are none; when it is back, the first one is `resync`.
   */
  subscribe(channel: string, signal: AbortSignal): Promise<AsyncIterable<PubsubMessage>>;
  /** Calls `listener` for each message until the returned function is called. */
  listen(channel: string, listener: (message: PubsubMessage) => void): Promise<() => void>;
  close(): Promise<void>;
};

/** Maximum unread messages per reader; beyond it they are replaced by one `resync`. */
const BUFFER_LIMIT = 256;
/** Channels per command. */
const SUBSCRIBE_BATCH = 1_000;
/** How long the first listeners wait for the initial connection. */
const FIRST_CONNECTION_MS = 2_000;

/** Sent to subscribers when messages may have been lost. */
export const RESYNC: PubsubMessage = { resync: true };

type Channel = { listeners: Set<(message: PubsubMessage) => void>; subscribed: Promise<void> };

export type PubsubOptions = {
  redis: Redis;
  prefix: string;
  logger: Logger;
  clock?: Clock;
  /** From the unit of work; without it, messages are sent immediately. */
  afterCommit?: UnitOfWork["afterCommit"];
};

export function createPubsub(options: PubsubOptions): Pubsub {
  const { redis, logger, clock = systemClock, afterCommit = (effect) => effect() } = options;
  const subscriber = duplicateRedis(redis, { autoResubscribe: false }, clock);
  const closer = createCloser();
  const channels = new Map<string, Channel>();
  const nameOf = (channel: string) => `${options.prefix}:${channel}`;
  let connectedBefore = false;
  /** A subscriber may have missed messages. */
  let missed = false;

  subscriber.on("error", (error) => logger.debug("pubsub connection", { error: errorMessage(error) }));
  subscriber.on("message", (name: string, text: string) => {
    const message = messageOf(text);
    if (message === undefined) return logger.warn("could not parse a pubsub message", { channel: name });
    for (const listener of channels.get(name)?.listeners ?? []) listener(message);
  });
  subscriber.on("ready", () => {
    connectedBefore = true;
    void subscribeTo([...channels.keys()]).then((done) => {
      if (!done || !missed) return;
      missed = false;
      for (const { listeners } of channels.values()) for (const listener of listeners) listener(RESYNC);
    });
  });
  subscriber.on("close", () => {
    missed = true;
  });
  closer.add(() => subscriber.disconnect());

  /** If Redis rejects it, reconnect, which subscribes to every channel again. */
  async function subscribeTo(names: readonly string[]): Promise<boolean> {
    try {
      for (let start = 0; start < names.length; start += SUBSCRIBE_BATCH) {
        await subscriber.subscribe(...names.slice(start, start + SUBSCRIBE_BATCH));
      }
      return true;
    } catch (error) {
      if (closer.closed) return false;
      logger.debug("could not subscribe; retrying", { error: errorMessage(error) });
      if (subscriber.status === "ready") subscriber.disconnect(true);
      return false;
    }
  }

  async function listen(channel: string, listener: (message: PubsubMessage) => void): Promise<() => void> {
    const name = nameOf(channel);
    let found = channels.get(name);
    if (!found) {
      found = { listeners: new Set(), subscribed: subscribeSoon(name) };
      channels.set(name, found);
    }
    const { listeners, subscribed } = found;
    listeners.add(listener);
    await subscribed;
    return () => {
      listeners.delete(listener);
      if (listeners.size > 0 || channels.get(name)?.listeners !== listeners) return;
      channels.delete(name);
      subscriber.unsubscribe(name).catch(() => {});
    };
  }

  async function subscribeSoon(name: string): Promise<void> {
    if (!connectedBefore) await connectedWithin(subscriber, FIRST_CONNECTION_MS, clock);
    if (subscriber.status === "ready") await subscribeTo([name]);
    else missed = true;
  }

  return {
    publish(channel, message) {
      afterCommit(() => {
        redis.publish(nameOf(channel), JSON.stringify(message)).catch((error) => {
          logger.warn("could not publish", { channel, error: errorMessage(error) });
        });
      });
    },
    listen,
    async subscribe(channel, signal) {
      const queue: PubsubMessage[] = [];
      let wake: () => void = () => {};
      const push = (message: PubsubMessage) => {
        if (queue.length >= BUFFER_LIMIT) queue.splice(0, queue.length, RESYNC);
        else queue.push(message);
        wake();
      };
      const stop = await listen(channel, push);
      const onAbort = () => {
        stop();
        wake();
      };
      signal.addEventListener("abort", onAbort, { once: true });
      if (signal.aborted) onAbort();
      return {
        async *[Symbol.asyncIterator]() {
          try {
            while (!signal.aborted) {
              const message = queue.shift();
              if (message) yield message;
              else await new Promise<void>((resolve) => (wake = resolve));
            }
          } finally {
            signal.removeEventListener("abort", onAbort);
            stop();
          }
        },
      };
    },
    close: () => closer.close(),
  };
}

/** Parses another replica's message; undefined if it is not valid. */
function messageOf(text: string): PubsubMessage | undefined {
  try {
    const message: unknown = JSON.parse(text);
    return typeof message === "object" && message !== null ? (message as PubsubMessage) : undefined;
  } catch {
    return undefined;
  }
}
