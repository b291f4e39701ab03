import type pg from "pg";
import type { Prisma } from "./gen/client.js";

/**
 * Runs a statement that each connection has Postgres parse and plan once, by its name: for the few that every job runs,
 * where planning would cost more than the rows. One name always has one text. A transaction of its own.
 */
export type Hot = <Row extends object>(name: string, statement: Prisma.Sql) => Promise<Row[]>;

export function createHot(pool: pg.Pool): Hot {
  return async <Row extends object>(name: string, { text, values }: Prisma.Sql) =>
    (await pool.query<Row>({ name, text, values })).rows;
}
