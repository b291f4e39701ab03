import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nullLogger } from "@fleet/base";
import { createTestDatabase, waitFor } from "@fleet/testkit";
import pg from "pg";
import { migrate } from "./migrate.js";

/** An empty database and a folder of migrations. */
async function start() {
  const stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "migrations-"));
  stack.defer(() => rm(folder, { recursive: true }));
  const { url } = stack.use(await createTestDatabase({ template: "empty", migrate: async () => {} }));
  async function connect() {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    stack.defer(() => client.end());
    return client;
  }
  const client = await connect();
  return {
    client,
    connect,
    migrate: () => migrate(url, folder, nullLogger),
    async write(name: string, sql: string) {
      await mkdir(join(folder, name), { recursive: true });
      await writeFile(join(folder, name, "migration.sql"), sql);
    },
    names: async () =>
      (await client.query("SELECT migration_name FROM _prisma_migrations ORDER BY 1")).rows.map(
        (row) => row.migration_name,
      ),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

test("concurrently starting replicas apply each migration once", async () => {
  await using test = await start();
  await test.write("1_one", "CREATE TABLE one (id int)");
  await test.write("2_two", "CREATE TABLE two (id int); INSERT INTO two VALUES (1)");
  const applied = await Promise.all([test.migrate(), test.migrate(), test.migrate()]);
  expect(applied.flat().sort()).toEqual(["1_one", "2_two"]);
  expect((await test.client.query("SELECT * FROM two")).rowCount).toBe(1);
});

test("a failing migration changes nothing, and is applied once fixed", async () => {
  await using test = await start();
  await test.write("1_one", "CREATE TABLE one (id int); SELECT 1/0");
  await expect(test.migrate()).rejects.toThrow("The database migration 1_one failed and was rolled back");
  await test.write("1_one", "CREATE TABLE one (id int)");
  expect(await test.migrate()).toEqual(["1_one"]);
});

test("killing coderd during a migration leaves the database unchanged", async () => {
  await using test = await start();
  await test.write("1_one", "CREATE TABLE one (id int); SELECT pg_sleep(600)");
  const killed = expect(test.migrate()).rejects.toThrow("was rolled back");
  await waitFor(
    async () =>
      (
        await test.client.query(
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
           WHERE datname = current_database() AND query LIKE '%pg_sleep(600)%' AND pid <> pg_backend_pid()`,
        )
      ).rowCount === 1,
    { what: "the migration to run" },
  );
  await killed;
  await test.write("1_one", "CREATE TABLE one (id int)");
  expect(await test.migrate()).toEqual(["1_one"]);
});

test("a migration does not block users of its table, and retries", async () => {
  await using test = await start();
  await test.write("1_one", "CREATE TABLE one (id int)");
  await test.migrate();
  await test.write("2_two", "ALTER TABLE one ADD COLUMN name text");
  const reader = await test.connect();
  await reader.query("BEGIN; SELECT * FROM one");
  const migrating = test.migrate();
  // It timed out waiting for the lock and will retry; meanwhile the table is free for others.
  const waits = `SELECT 1 FROM pg_stat_activity
    WHERE datname = current_database() AND query LIKE 'ALTER TABLE one%' AND wait_event_type = 'Lock'`;
  const isWaiting = async () => (await test.client.query(waits)).rowCount === 1;
  await waitFor(isWaiting, { what: "the migration to wait" });
  await waitFor(async () => !(await isWaiting()), { what: "the migration to give way" });
  await reader.query("COMMIT");
  expect(await migrating).toEqual(["2_two"]);
});

test("an older release leaves a newer schema unchanged", async () => {
  await using test = await start();
  await test.write("1_one", "CREATE TABLE one (id int)");
  await test.migrate();
  await test.client.query(
    "INSERT INTO _prisma_migrations (id, checksum, migration_name, finished_at) VALUES ('x', 'x', '2_newer', now())",
  );
  expect(await test.migrate()).toEqual([]);
  expect(await test.names()).toEqual(["1_one", "2_newer"]);
});
