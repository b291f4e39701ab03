import type { AgentClient } from "@fleet/agentsdk";
import { type Clock, createBackoff, errorMessage, isFleetError, type Logger } from "@fleet/base";

export type DeliveryOptions<T> = {
  /** Name for log lines, such as `logs`. */
  name: string;
  /** Maximum number of queued items; beyond it the oldest are dropped. */
  limit: number;
  /** Maximum number of items per call, and their total size by `sizeOf`; a single item may be larger. */
  batch: number;
  batchSize?: number;
  sizeOf?(item: T): number;
  /** How long to collect items before a call, in milliseconds. */
  delayMs: number;
  /** An item replaces a queued one with the same key. By default, items are never replaced. */
  keyOf?(item: T): string;
  /** Sends items to coderd. If it rejects, it is called again with the same items, which may have arrived already. */
  send(client: AgentClient, items: T[]): Promise<unknown>;
};

/** Delivers items to coderd in order, and queues them while it is unavailable; `push` never waits. */
export type Delivery<T> = {
  push(item: T): void;
  /** Resolves when all pushed items were delivered or `waitMs` have passed. */
  flush(waitMs: number): Promise<void>;
};

/** The current connection for reports to coderd, which may be lost and replaced. */
export type Uplink = {
  /** Sets the connection; undefined while disconnected. */
  use(client: AgentClient | undefined): void;
  delivery<T>(options: DeliveryOptions<T>): Delivery<T>;
  /** Waits for a connection and makes one call; repeats it while coderd is unavailable. Rejects with its refusal. */
  call<T>(make: (client: AgentClient) => Promise<T>, signal: AbortSignal): Promise<T>;
};

export function createUplink({ clock, logger }: { clock: Clock; logger: Logger }): Uplink {
  let client: AgentClient | undefined;
  const wakers = new Set<() => void>();

  function delivery<T>(options: DeliveryOptions<T>): Delivery<T> {
    const { name, limit, delayMs, keyOf, send } = options;
    const waiting = new Map<string, T>();
    const backoff = createBackoff({ initialMs: 250, maxMs: 10_000, factor: 2 });
    const idle = new Set<() => void>();
    let taken: [string, T][] = [];
    let counter = 0;
    let scheduled = false;

    function schedule(ms: number): void {
      if (scheduled || !client || waiting.size === 0) return;
      scheduled = true;
      clock.after(ms, () => void deliver());
    }

    async function deliver(): Promise<void> {
      const current = client;
      if (!current) {
        scheduled = false;
        return;
      }
      if (taken.length === 0) taken = takeBatch(waiting, options);
      let pause = 0;
      try {
        await send(
          current,
          taken.map(([, item]) => item),
        );
        for (const [key, item] of taken) if (waiting.get(key) === item) waiting.delete(key);
        taken = [];
        backoff.reset();
      } catch (error) {
        logger.debug(`Failed to deliver ${name}; retrying later.`, { reason: errorMessage(error) });
        pause = backoff.next();
      }
      scheduled = false;
      if (waiting.size > 0) schedule(pause);
      else for (const resolve of idle) resolve();
    }

    wakers.add(() => schedule(0));
    return {
      push(item) {
        const key = keyOf?.(item) ?? String(counter++);
        waiting.delete(key);
        waiting.set(key, item);
        if (waiting.size > limit) waiting.delete(waiting.keys().next().value!);
        schedule(delayMs);
      },
      async flush(waitMs) {
        if (waiting.size === 0) return;
        const { promise, resolve } = Promise.withResolvers<void>();
        idle.add(resolve);
        const timer = clock.after(waitMs, resolve);
        await promise;
        timer.cancel();
        idle.delete(resolve);
      },
    };
  }

  async function connected(signal: AbortSignal): Promise<AgentClient> {
    while (!client) {
      signal.throwIfAborted();
      const { promise, resolve } = Promise.withResolvers<void>();
      wakers.add(resolve);
      signal.addEventListener("abort", () => resolve(), { once: true });
      await promise;
      wakers.delete(resolve);
    }
    return client;
  }

  async function call<T>(make: (client: AgentClient) => Promise<T>, signal: AbortSignal): Promise<T> {
    const backoff = createBackoff({ initialMs: 250, maxMs: 10_000, factor: 2 });
    for (;;) {
      try {
        return await make(await connected(signal));
      } catch (error) {
        if (signal.aborted || !isFleetError(error, "unavailable")) throw error;
        await clock.sleep(backoff.next(), signal);
      }
    }
  }

  return {
    use(next) {
      client = next;
      if (next) for (const wake of wakers) wake();
    },
    delivery,
    call,
  };
}

/** The first queued items, limited to one call. */
function takeBatch<T>(waiting: ReadonlyMap<string, T>, options: DeliveryOptions<T>): [string, T][] {
  const { batch, batchSize = Number.POSITIVE_INFINITY, sizeOf = () => 0 } = options;
  const taken: [string, T][] = [];
  let size = 0;
  for (const entry of waiting) {
    size += sizeOf(entry[1]);
    if (taken.length === batch || (taken.length > 0 && size > batchSize)) break;
    taken.push(entry);
  }
  return taken;
}
