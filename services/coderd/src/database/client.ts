import { type Clock, retry, systemClock } from "@fleet/base";
import { PrismaPg } from "@prisma/adapter-pg";
import { Prisma, PrismaClient } from "./gen/client.js";
import { createHot, type Hot } from "./hot.js";
import { type Connections, createPools } from "./pool.js";
import { TRANSACTION, type Transaction } from "./transaction.js";
import { createUnitOfWork, type UnitOfWork } from "./unit-of-work.js";

export type { Connections, Transaction, UnitOfWork };

/** The one way to Postgres. Only `store.ts` files and this folder see it. */
export type Database = PrismaClient;

export type DatabaseOptions = {
  url: string;
  /** Connections of this process at most. */
  poolSize?: number;
  clock?: Clock;
  /** Postgres hangs, and every query fails from here on; it answers again. */
  onAway?(reason: Error): void;
  onBack?(): void;
};

const DEFAULT_POOL_SIZE = 10;
/** Of the connections, those that run nothing but what every job runs. */
const HOT_SHARE = 0.3;

/** Opens a pool. Nothing connects until the first query. */
export function createDatabase(options: DatabaseOptions): {
  db: Database;
  /** Makes all that a request writes through `db` one transaction. */
  unitOfWork: UnitOfWork;
  hot: Hot;
  /** The connections of this process, as they are at the moment. */
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

/** Tries of a transaction that Postgres refuses because of another one, and the pauses that let that one pass. */
const CONFLICT = { attempts: 5, policy: { initialMs: 5, maxMs: 100, factor: 2 } };

/**
 * Runs `work` in one transaction, again from the start when it loses against another (serialization failure or
 * deadlock), so `work` must have no effect outside of the database. Inside a unit of work it is a part of it.
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

/** True when a unique index refused the row; `index` narrows to one whose name or columns contain it. */
export function isUniqueViolation(error: unknown, index?: string): boolean {
  if (!(error instanceof Prisma.PrismaClientKnownRequestError)) return false;
  const text = `${error.message} ${JSON.stringify(error.meta ?? {})}`;
  const unique = error.code === "P2002" || (error.code === "P2010" && text.includes("23505"));
  return unique && (index === undefined || text.includes(index));
}
