import { waitFor } from "@fleet/testkit";
import pg from "pg";

/** The tables that hold user changes; for tables whose rows change through use, only inserts and deletes count. */
const ROWS = ["api_keys", "users", "workspaces", "workspace_builds"];
const ROWS_AND_VALUES = [
  "crypto_keys",
  "files",
  "git_ssh_keys",
  "group_members",
  "groups",
  "organization_members",
  "organizations",
  "provisioner_keys",
  "site_configs",
  "template_version_parameters",
  "template_versions",
  "templates",
  "user_configs",
  "workspace_build_parameters",
  "workspace_build_states",
  "workspace_favorites",
  "workspace_port_shares",
  "workspace_proxies",
];

const SETUP = `
CREATE TABLE written (name text);
CREATE FUNCTION note_write() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN INSERT INTO written VALUES (TG_TABLE_NAME); RETURN NULL; END $$;`;

/** Records which tables are written to. */
export type Writes = AsyncDisposable & {
  /** Waits until no job is running, since its daemon would write too, and discards the writes recorded so far. */
  settle(): Promise<void>;
  /** The tables written to since the last call. */
  taken(): Promise<string[]>;
};

/** Starts recording in the database itself, so that every committed write is seen once, whatever made it. */
export async function watchWrites(connectionString: string): Promise<Writes> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  await client.query(SETUP);
  const events = (table: string) =>
    ROWS.includes(table) ? "INSERT OR DELETE" : "INSERT OR UPDATE OR DELETE";
  for (const table of [...ROWS, ...ROWS_AND_VALUES])
    await client.query(
      `CREATE TRIGGER note_write AFTER ${events(table)} ON ${table} FOR EACH ROW EXECUTE FUNCTION note_write()`,
    );
  const taken = async () => {
    const { rows } = await client.query<{ name: string }>("DELETE FROM written RETURNING name");
    return [...new Set(rows.map(({ name }) => name))].sort();
  };
  const isIdle = async () => {
    const { rowCount } = await client.query("SELECT 1 FROM provisioner_jobs WHERE completed_at IS NULL");
    return rowCount === 0;
  };
  return {
    taken,
    async settle() {
      await waitFor(isIdle, { what: "the jobs to end" });
      await taken();
    },
    [Symbol.asyncDispose]: () => client.end(),
  };
}
