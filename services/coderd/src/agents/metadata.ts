import { type Clock, errorMessage, type Logger } from "@fleet/base";
import type { Redis } from "ioredis";
import { storable } from "../database/json.js";
import { hintsOf } from "../pubsub/hints.js";
import type { Pubsub } from "../pubsub/pubsub.js";
import type { MetadataStore, MetadataValue } from "./metadata-store.js";

export type MetadataItem = {
  key: string;
  displayName: string;
  script: string;
  intervalSeconds: number;
  timeoutSeconds: number;
} & MetadataValue;

const TEXT_LIMIT = 2048;
/** How long Redis keeps an agent's values after its last report. */
const TTL_SECONDS = 24 * 3600;
/** Minimum interval between updates to a watcher, regardless of the number of items. */
const PUBLISH_INTERVAL_MS = 1_000;
/** How often a watcher polls when no change is announced. */
const POLL_MS = 15_000;

const channel = (agentId: string) => `agent:${agentId}:metadata`;

/** Metadata values collected by agents. */
export type AgentMetadataValues = {
  values(agentId: string): Promise<MetadataItem[]>;
  update(agentId: string, results: readonly ({ key: string } & MetadataValue)[]): Promise<void>;
  /** Yields all items after each change, at most once a second, until the signal aborts. */
  watch(agentId: string, signal: AbortSignal): AsyncGenerator<MetadataItem[]>;
  /** Copies values changed since the last flush to Postgres. */
  flush(): Promise<void>;
};

/**
 * The latest values are kept in Redis, so database load does not grow with agents and update rate. `flush`, a periodic
 * job, copies changed values to Postgres in one statement; losing Redis loses a minute of values at most.
 */
export function createAgentMetadata(options: {
  store: MetadataStore;
  redis: Redis;
  prefix: string;
  pubsub: Pubsub;
  clock: Clock;
  logger: Logger;
}): AgentMetadataValues {
  const { store, redis, pubsub, clock } = options;
  const keyOf = (agentId: string) => `${options.prefix}:metadata:${agentId}`;
  const dirtyKey = `${options.prefix}:metadata:dirty`;

  async function values(agentId: string): Promise<MetadataItem[]> {
    const rows = await store.items(agentId);
    const live = await redis.hgetall(keyOf(agentId)).catch(() => ({}) as Record<string, string>);
    return rows.map((row) => {
      const text = live[row.key];
      const value = text === undefined ? row : fromText(text);
      return {
        key: row.key,
        displayName: row.displayName,
        script: row.script,
        intervalSeconds: row.intervalSeconds,
        timeoutSeconds: row.timeoutSeconds,
        value: value.value,
        error: value.error,
        collectedAt: value.collectedAt ?? new Date(0),
      };
    });
  }

  return {
    values,

    async update(agentId, results) {
      if (results.length === 0) return;
      const fields = results.flatMap(({ key, ...value }) => [key, toText(value)]);
      await redis
        .multi()
        .hset(keyOf(agentId), ...fields)
        .expire(keyOf(agentId), TTL_SECONDS)
        .sadd(dirtyKey, agentId)
        .exec();
      pubsub.publish(channel(agentId), {});
    },

    async *watch(agentId, signal) {
      const hints = await hintsOf(pubsub, channel(agentId), clock, signal, POLL_MS);
      while (!signal.aborted) {
        yield await values(agentId);
        await clock.sleep(PUBLISH_INTERVAL_MS, signal).catch(() => {});
        await hints.next();
      }
    },

    async flush() {
      const agentIds = await redis.spop(dirtyKey, 5_000);
      if (agentIds.length === 0) return;
      const pipeline = redis.pipeline();
      for (const agentId of agentIds) pipeline.hgetall(keyOf(agentId));
      const answers = (await pipeline.exec()) ?? [];
      const rows = agentIds.flatMap((agentId, index) =>
        Object.entries((answers[index]?.[1] ?? {}) as Record<string, string>).map(([key, text]) => ({
          agentId,
          key,
          ...fromText(text),
        })),
      );
      try {
        await store.write(rows);
      } catch (error) {
        options.logger.warn("could not write agent metadata; retrying", {
          error: errorMessage(error),
        });
        await redis.sadd(dirtyKey, ...agentIds);
      }
    },
  };
}

function toText({ value, error, collectedAt }: MetadataValue): string {
  return JSON.stringify([
    storable(value).slice(0, TEXT_LIMIT),
    storable(error).slice(0, TEXT_LIMIT),
    collectedAt.getTime(),
  ]);
}

function fromText(text: string): MetadataValue {
  const [value, error, at] = JSON.parse(text) as [string, string, number];
  return { value, error, collectedAt: new Date(at) };
}
