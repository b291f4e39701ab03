import pg from "pg";

/**
 * A connection that receives one statement at a time. Prisma sends the statements for a read's relations concurrently
 * on a transaction's single connection; pg would put them in an internal queue, which pg 9 removes.
 */
export class OrderlyClient extends pg.Client {
  #last: Promise<unknown> = Promise.resolve();

  // pg.Pool calls this with a callback, on an otherwise idle connection; transactions use the promise.
  override query(...statement: never[]): never {
    if (typeof statement.at(-1) === "function") return super.query(...(statement as unknown as [never]));
    const result = this.#last.then(() => super.query(...(statement as unknown as [never])));
    this.#last = result.catch(() => {});
    return result as never;
  }
}
