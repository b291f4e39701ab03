import { createHash, randomUUID } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { type BackoffPolicy, errorMessage, FleetError, type Logger, retry, systemClock } from "@fleet/base";
import pg from "pg";

/** The advisory lock of Prisma's own engine, so that `prisma migrate` and a starting replica never run concurrently. */
const MIGRATION_LOCK = 72707369;

const LOCK_NOT_AVAILABLE = "55P03";
const LOCK_TIMEOUT_MS = 2_000;
const LOCK_PAUSE: BackoffPolicy = { initialMs: 1_000, maxMs: 1_000, factor: 1 };
const LOCK_ATTEMPTS = 60;

const MIGRATIONS_TABLE = `CREATE TABLE IF NOT EXISTS _prisma_migrations (
  id VARCHAR(36) PRIMARY KEY NOT NULL, checksum VARCHAR(64) NOT NULL, finished_at TIMESTAMPTZ,
  migration_name VARCHAR(255) NOT NULL, logs TEXT, rolled_back_at TIMESTAMPTZ,
  started_at TIMESTAMPTZ NOT NULL DEFAULT now(), applied_steps_count INTEGER NOT NULL DEFAULT 0)`;

type Applied = { migration_name: string; checksum: string; finished_at: Date | null };

/**
 * Applies migrations from `directory` that the database lacks, in order, recorded as `prisma migrate deploy` records
 * them. Replicas that start together take turns. A database with migrations unknown to `directory` belongs to a newer
 * release and is left alone: older releases run on a newer schema.
 * @returns the names of the applied migrations.
 * @throws `unavailable` if Postgres cannot be reached, `failed_precondition` if a migration is broken.
 */
export async function migrate(url: string, directory: string, logger: Logger): Promise<string[]> {
  const client = new pg.Client({ connectionString: url, application_name: "coderd migrations" });
  // A lost connection fails its query; without a listener, the error event would also end the process.
  client.on("error", () => {});
  await client.connect().catch((cause) => {
    throw new FleetError(
      "unavailable",
      `Could not connect to Postgres: ${errorMessage(cause)}. Check CODER_PG_CONNECTION_URL and that the server is running.`,
      { cause },
    );
  });
  try {
    await client.query("SELECT pg_advisory_lock($1)", [MIGRATION_LOCK]);
    await client.query(MIGRATIONS_TABLE);
    const { rows } = await client.query<Applied>(
      "SELECT migration_name, checksum, finished_at FROM _prisma_migrations WHERE rolled_back_at IS NULL",
    );
    const known = new Map(rows.map((row) => [row.migration_name, row]));
    const done: string[] = [];
    for (const name of await migrationNames(directory)) {
      const sql = await readFile(join(directory, name, "migration.sql"));
      if (await apply(client, name, sql, known.get(name))) done.push(name);
    }
    if (done.length > 0) logger.info("applied database migrations", { migrations: done });
    return done;
  } finally {
    await client.end();
  }
}

async function migrationNames(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
}

async function apply(client: pg.Client, name: string, sql: Buffer, earlier?: Applied): Promise<boolean> {
  const checksum = createHash("sha256").update(sql).digest("hex");
  if (earlier && !earlier.finished_at) {
    throw new FleetError(
      "failed_precondition",
      `The database migration ${name} was started by another tool and did not finish. Restore the database or repair it by hand, then delete its row from _prisma_migrations.`,
    );
  }
  if (earlier && earlier.checksum !== checksum) {
    throw new FleetError(
      "failed_precondition",
      `The database migration ${name} was edited after it was applied.`,
    );
  }
  if (earlier) return false;
  await retry(() => applyAtOnce(client, name, sql, checksum), {
    clock: systemClock,
    policy: LOCK_PAUSE,
    attempts: LOCK_ATTEMPTS,
    retryable: (error) => (error as pg.DatabaseError).code === LOCK_NOT_AVAILABLE,
  }).catch((cause) => {
    throw new FleetError(
      "failed_precondition",
      `The database migration ${name} failed and was rolled back: ${errorMessage(cause)}`,
      { cause },
    );
  });
  return true;
}

/**
 * Applies a migration and records it in one transaction, so that killing coderd midway leaves the database unchanged.
 */
async function applyAtOnce(client: pg.Client, name: string, sql: Buffer, checksum: string): Promise<void> {
  await client.query("BEGIN");
  try {
    // A query waiting for a table lock blocks everyone behind it, so give up soon and retry.
    await client.query(`SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}`);
    // The simple protocol accepts multiple statements at once.
    await client.query(sql.toString("utf8"));
    await client.query(
      `INSERT INTO _prisma_migrations (id, checksum, migration_name, finished_at, applied_steps_count)
     VALUES ($1, $2, $3, now(), 1)`,
      [randomUUID(), checksum, name],
    );
    await client.query("COMMIT");
  } catch (error) {
    await client.query("ROLLBACK").catch(() => {});
    throw error;
  }
}
