import { AsyncLocalStorage } from "node:async_hooks";
import type { PrismaClient } from "./gen/client.js";
import { TRANSACTION, type Transaction } from "./transaction.js";

/**
 * Makes all that one request writes one transaction: what it changes, and the audit entry that tells of it, are stored
 * together or not at all. The work reaches it by the same `Database` as ever, so that no store can write past it.
 */
export type UnitOfWork = {
  /**
   * Runs `work`; what it writes is committed when it resolves and undone when it rejects. The transaction begins with the
   * first write, so that no connection is held while a password is hashed. Inside another unit it joins that one.
   */
  run<T>(work: () => Promise<T>): Promise<T>;
  /** Runs an effect that others may act on: inside a unit once it has committed and never if it fails, else at once. */
  afterCommit(effect: () => void): void;
  /**
   * Takes part in no unit. For what this process remembers beyond the request, such as a key that is made when it is first
   * asked for: undone with the request, it would live on in memory alone.
   */
  readonly outside: PrismaClient;
};

type Call = (client: Transaction) => unknown;

/** One piece of work. After its end, what it left running in the background is on its own again. */
class Unit {
  readonly effects: (() => void)[] = [];
  ended = false;
  readonly #client: PrismaClient;
  readonly #done = Promise.withResolvers<void>();
  #transaction: Promise<Transaction> | undefined;
  #committed: Promise<void> = Promise.resolve();
  /** A connection takes one statement at a time. */
  #last: Promise<unknown> = Promise.resolve();
  #savepoints = 0;

  constructor(client: PrismaClient) {
    this.#client = client;
    // Nobody waits for it where nothing was written.
    this.#done.promise.catch(() => {});
  }

  get begun(): boolean {
    return this.#transaction !== undefined;
  }

  async query(call: Call): Promise<unknown> {
    this.#transaction ??= this.#begin();
    const transaction = await this.#transaction;
    const result = this.#last.then(() => call(transaction));
    this.#last = result.catch(() => {});
    return result;
  }

  /** A transaction inside the unit's: what it wrote is undone when it fails, and the unit can go on. */
  async nest<T>(database: Transaction, work: (tx: Transaction) => Promise<T>): Promise<T> {
    const savepoint = `unit_${++this.#savepoints}`;
    const execute = (sql: string) => this.query((tx) => tx.$executeRawUnsafe(sql));
    await execute(`SAVEPOINT ${savepoint}`);
    try {
      const result = await work(database);
      await execute(`RELEASE SAVEPOINT ${savepoint}`);
      return result;
    } catch (error) {
      await execute(`ROLLBACK TO SAVEPOINT ${savepoint}`);
      throw error;
    }
  }

  async commit(): Promise<void> {
    this.ended = true;
    this.#done.resolve();
    await this.#committed;
    for (const effect of this.effects) effect();
  }

  async undo(reason: unknown): Promise<void> {
    this.ended = true;
    this.#done.reject(reason);
    await this.#committed.catch(() => {});
  }

  #begin(): Promise<Transaction> {
    return new Promise((resolve, reject) => {
      this.#committed = this.#client.$transaction((tx) => {
        resolve(tx);
        return this.#done.promise;
      }, TRANSACTION);
      this.#committed.catch(reject);
    });
  }
}

/** The unit of work, and the client whose statements take part in it. */
export function createUnitOfWork(client: PrismaClient): { db: PrismaClient; unitOfWork: UnitOfWork } {
  const storage = new AsyncLocalStorage<Unit>();
  const current = () => {
    const unit = storage.getStore();
    return unit?.ended ? undefined : unit;
  };

  function send(reads: boolean, call: Call): unknown {
    const unit = current();
    return unit && (unit.begun || !reads) ? unit.query(call) : call(client);
  }

  const unitOfWork: UnitOfWork = {
    outside: client,
    async run(work) {
      if (current()) return work();
      const unit = new Unit(client);
      return storage.run(unit, async () => {
        try {
          const result = await work();
          await unit.commit();
          return result;
        } catch (error) {
          await unit.undo(error);
          throw error;
        }
      });
    },
    afterCommit(effect) {
      const unit = current();
      if (unit) unit.effects.push(effect);
      else effect();
    },
  };
  const nest = (work: unknown, options: object | undefined) => {
    const unit = current();
    if (!unit) return client.$transaction(work as never, options);
    if (Array.isArray(work)) return unit.nest(db, async () => inOrder(work));
    return unit.nest(db, work as (tx: Transaction) => Promise<unknown>);
  };
  const db = sending(client, send, nest);
  return { db, unitOfWork };
}

async function inOrder(queries: readonly PromiseLike<unknown>[]): Promise<unknown[]> {
  const results: unknown[] = [];
  for (const query of queries) results.push(await query);
  return results;
}

const READS = /^(find|count$|aggregate$|groupBy$)/;
/** What a raw statement does is not known: it counts as a write. */
const RAW = /^\$(query|execute)Raw(Unsafe)?$/;

/** The client, of which each statement goes where `send` has it run. */
function sending(
  client: PrismaClient,
  send: (reads: boolean, call: Call) => unknown,
  transaction: (work: unknown, options: object | undefined) => unknown,
): PrismaClient {
  type Functions = Record<string, (...args: unknown[]) => unknown>;
  const models = new Map<string, unknown>();

  function modelOf(model: string, delegate: object): unknown {
    const known = models.get(model);
    if (known) return known;
    const made = new Proxy(delegate, {
      get(target, method) {
        const value: unknown = Reflect.get(target, method);
        if (typeof value !== "function" || typeof method === "symbol") return value;
        return (...args: unknown[]) =>
          send(READS.test(method), (on) =>
            (on as unknown as Record<string, Functions>)[model]![method]!(...args),
          );
      },
    });
    models.set(model, made);
    return made;
  }

  return new Proxy(client, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof name === "symbol") return value;
      if (name === "$transaction") return transaction;
      if (RAW.test(name))
        return (...args: unknown[]) => send(false, (on) => (on as unknown as Functions)[name]!(...args));
      if (typeof value === "function") return value.bind(target);
      return typeof value === "object" && value !== null && /^[a-z]/.test(name)
        ? modelOf(name, value)
        : value;
    },
  });
}
