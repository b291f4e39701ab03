import type { AgentClient } from "@fleet/agentsdk";
import { type Clock, createBackoff, errorMessage, type Logger } from "@fleet/base";

export type DeliveryOptions<T> = {
  /** For log lines: `logs`. */
  name: string;
  /** Items that wait at most; the oldest are dropped beyond it. */
  limit: number;
  /** Items of one call, and what they may come to by `sizeOf`; one alone may be larger. */
  batch: number;
  batchSize?: number;
  sizeOf?(item: T): number;
  /** Collects for this long before a call, in milliseconds. */
  delayMs: number;
  /** An item replaces the waiting one of the same key. Without it each item is its own. */
  keyOf?(item: T): string;
  /** Brings items to coderd. When it rejects it is called again, with the same items: what it tells may have arrived. */
  send(client: AgentClient, items: T[]): Promise<unknown>;
};

/** Brings items to coderd, in order, however long it is away; whoever pushes never waits. */
export type Delivery<T> = {
  push(item: T): void;
  /** Resolves when all that was pushed has arrived or `waitMs` have passed. */
  flush(waitMs: number): Promise<void>;
};

/** What the agent has to tell coderd, over a connection that comes and goes. */
export type Uplink = {
  /** The connection from here on, undefined while there is none. */
  use(client: AgentClient | undefined): void;
  delivery<T>(options: DeliveryOptions<T>): Delivery<T>;
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
        logger.debug(`The ${name} could not be delivered; they wait.`, { reason: errorMessage(error) });
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

  return {
    use(next) {
      client = next;
      if (next) for (const wake of wakers) wake();
    },
    delivery,
  };
}

/** The first of those that wait, as many as one call may have. */
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
