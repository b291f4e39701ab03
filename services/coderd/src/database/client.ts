import { type Clock, retry, systemClock } from "@fleet/base";
import { PrismaPg } from "@prisma/adapter-pg";
import { Prisma, PrismaClient } from "./gen/client.js";
import { createHot, type Hot } from "./hot.js";
import { type Connections, createPools } from "./pool.js";
import { TRANSACTION, type Transaction } from "./transaction.js";
import { createUnitOfWork, type UnitOfWork } from "./unit-of-work.js";

export type { Connections, Transaction, UnitOfWork };

/** The only access to Postgres. Only `store.ts` files and this folder use it. */
export type Database = PrismaClient;

export type DatabaseOptions = {
  url: string;
  /** Maximum connections of this process. */
  poolSize?: number;
  clock?: Clock;
  /** Called when Postgres hangs and every query starts to fail, and when it recovers. */
  onAway?(reason: Error): void;
  onBack?(): void;
};

const DEFAULT_POOL_SIZE = 10;
/** Share of the connections reserved for the statements that every job runs. */
const HOT_SHARE = 0.3;

/** Opens a pool. It connects on the first query. */
export function createDatabase(options: DatabaseOptions): {
  db: Database;
  /** Runs all writes a request makes through `db` in one transaction. */
  unitOfWork: UnitOfWork;
  hot: Hot;
  /** Current connections of this process. */
  connections(): Connections;
  close(): Promise<void>;
} {
  const size = options.poolSize ?? DEFAULT_POOL_SIZE;
  const hotSize = Math.max(1, Math.floor(size * HOT_SHARE));
  const { url, clock = systemClock, onAway = () => {}, onBack = () => {} } = options;
  const pools = createPools({ url, clock, onAway, onBack });
  const { hot, pool: hotPool } = createHot(pools, hotSize);
  const pool = pools.open({ name: "coderd", size: size - hotSize });
  const { db, unitOfWork } = createUnitOfWork(new PrismaClient({ adapter: new PrismaPg(pool) }));
  return {
    db,
    unitOfWork,
    hot,
    connections: () => ({
      max: size,
      idle: pool.idleCount + hotPool.idleCount,
      used: pool.totalCount + hotPool.totalCount - pool.idleCount - hotPool.idleCount,
      waiting: pool.waitingCount + hotPool.waitingCount,
    }),
    async close() {
      await db.$disconnect();
      await pools.close();
    },
  };
}

/** Retries of a transaction that conflicts with another, with pauses that let the other finish. */
const CONFLICT = { attempts: 5, policy: { initialMs: 5, maxMs: 100, factor: 2 } };

/**
 * Runs `work` in a transaction and reruns it from the start after a serialization failure or deadlock, so `work` must
 * have no effect outside the database. Inside a unit of work, it joins that transaction.
 */
export async function inTransaction<T>(db: Database, work: (tx: Transaction) => Promise<T>): Promise<T> {
  return retry(() => db.$transaction(work, TRANSACTION), {
    ...CONFLICT,
    clock: systemClock,
    retryable: lostAgainstAnother,
  });
}

function lostAgainstAnother(error: unknown): boolean {
  if (error instanceof Prisma.PrismaClientKnownRequestError && error.code === "P2034") return true;
  return /40001|40P01|deadlock detected|could not serialize/.test(
    error instanceof Error ? error.message : "",
  );
}

/** True if a unique index rejected the row; `index` matches only indexes whose name or columns contain it. */
export function isUniqueViolation(error: unknown, index?: string): boolean {
  if (!(error instanceof Prisma.PrismaClientKnownRequestError)) return false;
  const text = `${error.message} ${JSON.stringify(error.meta ?? {})}`;
  const unique = error.code === "P2002" || (error.code === "P2010" && text.includes("23505"));
  return unique && (index === undefined || text.includes(index));
}
