import pg from "pg";

/**
 * A connection that is given one statement at a time. Prisma sends the statements of one read's relations together, on
 * the one connection of a transaction; pg lets them wait in a queue of its own, which pg 9 takes away.
 */
export class OrderlyClient extends pg.Client {
  #last: Promise<unknown> = Promise.resolve();

  // pg.Pool calls it with a callback, on a connection that runs nothing else; transactions wait for the promise.
  override query(...statement: never[]): never {
    if (typeof statement.at(-1) === "function") return super.query(...(statement as unknown as [never]));
    const result = this.#last.then(() => super.query(...(statement as unknown as [never])));
    this.#last = result.catch(() => {});
    return result as never;
  }
}
