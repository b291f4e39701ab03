import type { Prisma } from "./gen/client.js";
import type { Pools } from "./pool.js";

/**
 * Runs a statement that every job runs and that looks up rows by id. Each connection prepares it once, by name, since
 * planning would cost more than reading the rows. A name must always have the same text. Runs in its own transaction.
 */
export type Hot = <Row extends object>(name: string, statement: Prisma.Sql) => Promise<Row[]>;

/**
 * Forces one generic, index-based plan, whatever the tables hold when it is made: a plan made for ten rows would scan
 * the whole table once it holds a million.
 */
const SETTINGS =
  "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off";

/** Opens connections of its own, since they need different settings; none before the first statement. */
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
