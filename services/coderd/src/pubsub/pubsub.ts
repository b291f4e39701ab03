import { createCloser, errorMessage, type Logger } from "@fleet/base";
import type { Redis } from "ioredis";

/** A message is a hint to look at Postgres again; it holds ids, never the truth. */
export type PubsubMessage = Record<string, unknown>;

/**
 * Publish and subscribe over Redis, between all replicas. Delivery is at most once: a subscriber reads Postgres when it
 * begins and whenever it is told `resync` (Redis was away), and polls slowly as a safety net.
 */
export type Pubsub = {
  publish(channel: string, message: PubsubMessage): void;
  /** Messages of the channel from the moment that the promise resolves. Ends when the signal aborts. */
  subscribe(channel: string, signal: AbortSignal): Promise<AsyncIterable<PubsubMessage>>;
  /** Calls `listener` for each message, until the returned function is called. */
  listen(channel: string, listener: (message: PubsubMessage) => void): Promise<() => void>;
  close(): Promise<void>;
};

/** Messages that a slow reader may leave unread; beyond it they fold into one `resync`. */
const BUFFER_LIMIT = 256;

/** What a subscriber gets when messages may have been lost. */
export const RESYNC: PubsubMessage = { resync: true };

export function createPubsub(options: { redis: Redis; prefix: string; logger: Logger }): Pubsub {
  const { redis, logger } = options;
  const subscriber = redis.duplicate();
  const closer = createCloser();
  const listeners = new Map<string, Set<(message: PubsubMessage) => void>>();
  const nameOf = (channel: string) => `${options.prefix}:${channel}`;
  let connectedBefore = false;

  subscriber.on("error", (error) => logger.debug("pubsub connection", { error: errorMessage(error) }));
  subscriber.on("message", (name: string, text: string) => {
    const message = JSON.parse(text) as PubsubMessage;
    for (const listener of listeners.get(name) ?? []) listener(message);
  });
  subscriber.on("ready", () => {
    if (connectedBefore) for (const set of listeners.values()) for (const listener of set) listener(RESYNC);
    connectedBefore = true;
  });
  closer.add(() => subscriber.disconnect());

  async function listen(channel: string, listener: (message: PubsubMessage) => void): Promise<() => void> {
    const name = nameOf(channel);
    const set = listeners.get(name) ?? new Set();
    listeners.set(name, set);
    set.add(listener);
    if (set.size === 1) await subscriber.subscribe(name);
    return () => {
      set.delete(listener);
      if (set.size > 0 || listeners.get(name) !== set) return;
      listeners.delete(name);
      subscriber.unsubscribe(name).catch(() => {});
    };
  }

  return {
    publish(channel, message) {
      redis.publish(nameOf(channel), JSON.stringify(message)).catch((error) => {
        logger.warn("could not publish", { channel, error: errorMessage(error) });
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
