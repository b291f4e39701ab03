import { AsyncLocalStorage } from "node:async_hooks";
import type { PrismaClient } from "./gen/client.js";
import { TRANSACTION, type Transaction } from "./transaction.js";

/**
 * Runs all writes of a request in one transaction: its changes and their audit entry are committed together or not at
 * all. Work uses the ordinary `Database`, so no store can bypass the transaction.
 */
export type UnitOfWork = {
  /**
   * Runs `work`; its writes are committed when it resolves and rolled back when it rejects. The transaction begins with
   * the first write, so that no connection is held while, say, a password is hashed. A nested unit joins the outer one.
   */
  run<T>(work: () => Promise<T>): Promise<T>;
  /** Runs an externally visible effect: inside a unit only after it commits, otherwise at once. */
  afterCommit(effect: () => void): void;
  /**
   * Not part of any unit. For what this process caches beyond the request, such as a key created on first use: rolled
   * back with the request, it would exist only in memory.
   */
  readonly outside: PrismaClient;
};

type Call = (client: Transaction) => unknown;

/** One unit. Background work still running after its end no longer belongs to it. */
class Unit {
  readonly effects: (() => void)[] = [];
  ended = false;
  readonly #client: PrismaClient;
  readonly #done = Promise.withResolvers<void>();
  #transaction: Promise<Transaction> | undefined;
  #committed: Promise<void> = Promise.resolve();
  /** Serializes statements: a connection runs one at a time. */
  #last: Promise<unknown> = Promise.resolve();
  #savepoints = 0;

  constructor(client: PrismaClient) {
    this.#client = client;
    // Nobody awaits it if nothing was written.
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

  /** A nested transaction (savepoint): its writes are rolled back if it fails, and the unit can continue. */
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

/** Creates the unit of work and the client whose statements take part in it. */
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
/** Raw statements are opaque, so they count as writes. */
const RAW = /^\$(query|execute)Raw(Unsafe)?$/;

/** Wraps the client so that `send` runs each statement. */
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
