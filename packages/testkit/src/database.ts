import { randomBytes } from "node:crypto";
import pg from "pg";
import { sharedServerUrl } from "./broker.js";

export type TestDatabase = AsyncDisposable & {
  /** Connection URL of a superuser. */
  readonly url: string;
  readonly name: string;
};

export type TestDatabaseOptions = {
  /** Migrates an empty database to the required schema. Runs once per `template` in a test run. */
  migrate(url: string): Promise<void>;
  /** Names the result of `migrate`, for runs that need several. */
  template?: string;
};

/**
 * A private database of the run's shared Postgres: a clone of a template that was migrated once. Dropped, with every
 * connection to it, by `await using`.
 */
export async function createTestDatabase(options: TestDatabaseOptions): Promise<TestDatabase> {
  const serverUrl = await sharedServerUrl("postgres");
  const template = `template_${options.template ?? "main"}`;
  const name = `test_${randomBytes(6).toString("hex")}`;
  await withClient(serverUrl, async (client) => {
    await ensureTemplate(client, serverUrl, template, options.migrate);
    await client.query(`CREATE DATABASE "${name}" TEMPLATE "${template}" STRATEGY file_copy`);
  });
  return {
    url: urlOf(serverUrl, name),
    name,
    async [Symbol.asyncDispose]() {
      await withClient(serverUrl, (client) => client.query(`DROP DATABASE "${name}" WITH (FORCE)`));
    },
  };
}

/** Concurrent workers wait for the one that migrates. A failed migration leaves no template behind. */
async function ensureTemplate(
  client: pg.Client,
  serverUrl: string,
  template: string,
  migrate: TestDatabaseOptions["migrate"],
): Promise<void> {
  const exists = () => client.query("SELECT 1 FROM pg_database WHERE datname = $1", [template]);
  if ((await exists()).rowCount) return;
  await client.query("SELECT pg_advisory_lock(hashtext($1))", [template]);
  try {
    if ((await exists()).rowCount) return;
    const draft = `${template}_draft`;
    await client.query(`DROP DATABASE IF EXISTS "${draft}" WITH (FORCE)`);
    await client.query(`CREATE DATABASE "${draft}"`);
    await migrate(urlOf(serverUrl, draft));
    await client.query(`ALTER DATABASE "${draft}" RENAME TO "${template}"`);
  } finally {
    await client.query("SELECT pg_advisory_unlock(hashtext($1))", [template]);
  }
}

async function withClient<T>(connectionString: string, use: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}

function urlOf(serverUrl: string, database: string): string {
  const url = new URL(serverUrl);
  url.pathname = `/${database}`;
  return url.href;
}
