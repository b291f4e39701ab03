import type { Prisma } from "./gen/client.js";
import type { Pools } from "./pool.js";

/**
 * Runs a statement that every job runs, and that looks its rows up by id. Each connection has Postgres parse and plan it
 * once, by its name: planning would cost more than the rows. One name always has one text. A transaction of its own.
 */
export type Hot = <Row extends object>(name: string, statement: Prisma.Sql) => Promise<Row[]>;

/**
 * One plan for all values, by index, whatever the tables hold when it is made: a plan that was made for a table of ten
 * rows would read all of it when it holds a million.
 */
const SETTINGS =
  "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off";

/** Opens connections of its own, since they have settings of their own; none before the first statement. */
export function createHot(pools: Pools, connections: number): { hot: Hot; pool: ReturnType<Pools["open"]> } {
  const pool = pools.open({
    name: "coderd jobs",
    size: connections,
    onConnect: async (client) => void (await client.query(SETTINGS)),
  });
  return {
    pool,
    hot: async <Row extends object>(name: string, { text, values }: Prisma.Sql) =>
      (await pool.query<Row>({ name, text, values })).rows,
  };
}
