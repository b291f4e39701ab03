import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import {
  chmod,
  chown,
  mkdir,
  readFile,
  readlink,
  realpath,
  rename,
  rm,
  stat,
  writeFile,
} from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { FleetError, type Logger } from "@fleet/base";
import { publicEnvironment } from "@fleet/base/private-environment";
import { findPostgres, type PostgresHome, reachableHome } from "./binaries.js";
import { type ChildExit, createReadiness, type ProcessUser, spawnServer } from "./child.js";
import { claimFolder } from "./owner.js";
import { freePort, isPortFree } from "./ports.js";
import { canReach, postgresUser } from "./user.js";

const run = promisify(execFile);
const START_TIMEOUT_MS = 60_000;
const STOP_GRACE_MS = 20_000;
const SUPERUSER = "coder";

/** Settings for tests only: a machine crash may lose everything, and nothing waits for the disk. */
const DISPOSABLE = [
  "fsync=off",
  "synchronous_commit=off",
  "full_page_writes=off",
  "wal_level=minimal",
  "max_wal_senders=0",
  "max_connections=300",
  "autovacuum=off",
];

export type PostgresOptions = {
  /** Folder of this server, with its cluster, password and port. Created if missing. */
  dataDir: string;
  /** TCP port of 127.0.0.1. By default, the one of the last start, or a free one. */
  port?: number;
  logger: Logger;
  /** Tests only: trade durability for speed. */
  disposable?: boolean;
};

export type Postgres = {
  /** Connection URL of the superuser, password included: never log it. */
  readonly url: string;
  readonly port: number;
  /** Settles when the server is gone, whether or not it was asked to stop. */
  readonly exited: Promise<ChildExit>;
  /** Stops it in fast mode: running transactions are rolled back. */
  close(): Promise<void>;
};

/**
 * Starts Postgres as a child of this process, which it does not outlive: UTF8, C collation, scram passwords, reachable
 * on 127.0.0.1 only. Recovers from a crash. Throws `conflict` for a folder or a port in use.
 */
export async function startPostgres(options: PostgresOptions): Promise<Postgres> {
  const { logger } = options;
  const folder = resolve(options.dataDir);
  const user = await postgresUser(logger);
  if (user && !(await canReach(folder, user))) {
    throw new FleetError(
      "failed_precondition",
      `Postgres runs as the postgres user, which cannot access ${folder}. Choose a directory that it can access, such as /var/lib/coder.`,
    );
  }
  // The user that Postgres runs as needs access through its parent folders.
  await mkdir(dirname(folder), { recursive: true, mode: user ? 0o755 : 0o700 });
  await mkdir(folder, { recursive: true, mode: 0o700 });
  if (user) await chown(folder, user.uid, user.gid);
  const release = await claimFolder(join(folder, "owner"), folder);
  try {
    const home = await reachableHome(await findPostgres(), user, join(folder, "programs"), logger);
    const password = await ensurePassword(join(folder, "password"), user);
    const cluster = await realpath(folder).then((real) => join(real, "data"));
    if (!existsSync(cluster)) await initialise(home, cluster, folder, user, options);
    await clearLeftover(cluster, logger);
    const port = await choosePort(join(folder, "port"), options.port);
    return await launch({ home, cluster, user, port, password, release, options });
  } catch (error) {
    await release();
    throw error;
  }
}

/**
 * Where Postgres can keep its files: the preferred folder, unless this process is root and the user postgres cannot
 * reach it (root's home folder is private); then the other. A private folder that holds only the preferred one is
 * made traversable, which does not expose its contents.
 */
export async function reachableDataDir(preferred: string, other: string, logger: Logger): Promise<string> {
  const user = await postgresUser(logger);
  if (!user || (await canReach(preferred, user))) return preferred;
  const parent = dirname(resolve(preferred));
  if (!(await canReach(parent, user))) return other;
  await chmod(parent, ((await stat(parent)).mode & 0o777) | 0o011);
  return preferred;
}

/**
 * The connection URL of the server that keeps its files in the folder, as it last ran. Throws `not_found` if none
 * ever did.
 */
export async function postgresUrl(dataDir: string): Promise<string> {
  try {
    const [password, port] = await Promise.all(
      ["password", "port"].map((file) => readFile(join(dataDir, file), "utf8")),
    );
    return urlOf(password!.trim(), Number(port));
  } catch (cause) {
    throw new FleetError("not_found", `No Postgres database that you can access was found in ${dataDir}.`, {
      cause,
    });
  }
}

function urlOf(password: string, port: number): string {
  return `postgres://${SUPERUSER}:${password}@127.0.0.1:${port}/postgres?sslmode=disable`;
}

async function ensurePassword(file: string, user: ProcessUser | undefined): Promise<string> {
  if (!existsSync(file)) {
    await writeFile(file, randomBytes(24).toString("base64url"), { mode: 0o600 });
    if (user) await chown(file, user.uid, user.gid);
  }
  return (await readFile(file, "utf8")).trim();
}

/** Creates the cluster under another name first, so that a crash midway leaves nothing that looks complete. */
async function initialise(
  home: PostgresHome,
  cluster: string,
  folder: string,
  user: ProcessUser | undefined,
  { disposable, logger }: PostgresOptions,
): Promise<void> {
  logger.info("Creating the deployment's Postgres database. This only happens once.", { folder });
  const draft = `${cluster}.draft`;
  await rm(draft, { recursive: true, force: true });
  const args = ["-D", draft, "-U", SUPERUSER, "-E", "UTF8", "--locale=C", "--auth=scram-sha-256"];
  args.push(`--pwfile=${join(folder, "password")}`, ...(disposable ? ["--no-sync"] : []));
  try {
    await run(join(home, "bin/initdb"), args, { ...user, env: publicEnvironment(), cwd: "/" });
  } catch (cause) {
    const detail = (cause as { stderr?: string }).stderr?.trim();
    throw new FleetError("internal", `Postgres could not create its files in ${folder}.`, { detail, cause });
  }
  await rename(draft, cluster);
}

/**
 * Handles the postmaster.pid of an earlier run: a server still running on this cluster has lost its parent (the
 * folder's claim is ours) and is stopped; a pid that is dead, or now belongs to another program, is ignored.
 */
async function clearLeftover(cluster: string, logger: Logger): Promise<void> {
  const file = join(cluster, "postmaster.pid");
  const pid = Number((await readFile(file, "utf8").catch(() => "")).split("\n")[0]);
  if (!Number.isInteger(pid) || pid <= 0) return;
  if (!(await runsOn(pid, cluster))) return rm(file, { force: true });
  logger.warn("Stopping a Postgres server left over from a previous run.", { pid });
  for (const signal of ["SIGINT", "SIGQUIT", "SIGKILL"] as const) {
    try {
      process.kill(pid, signal);
    } catch {
      return;
    }
    const until = Date.now() + STOP_GRACE_MS;
    while (Date.now() < until) {
      if (!(await runsOn(pid, cluster))) return;
      await new Promise((done) => setTimeout(done, 50));
    }
  }
}

/** A postmaster's working directory is its data directory. */
async function runsOn(pid: number, cluster: string): Promise<boolean> {
  return (await readlink(`/proc/${pid}/cwd`).catch(() => "")) === cluster;
}

async function choosePort(file: string, wanted: number | undefined): Promise<number> {
  if (wanted !== undefined && !(await isPortFree(wanted))) {
    throw new FleetError(
      "conflict",
      `Postgres could not start: port ${wanted} on 127.0.0.1 is already in use.`,
    );
  }
  const last = Number(await readFile(file, "utf8").catch(() => ""));
  const port = wanted ?? (last > 0 && (await isPortFree(last)) ? last : await freePort());
  await writeFile(file, `${port}\n`);
  await chmod(file, 0o644);
  return port;
}

type Launch = {
  home: PostgresHome;
  cluster: string;
  user: ProcessUser | undefined;
  port: number;
  password: string;
  release: () => Promise<void>;
  options: PostgresOptions;
};

async function launch({ home, cluster, user, port, password, release, options }: Launch): Promise<Postgres> {
  const settings = ["listen_addresses=127.0.0.1", `port=${port}`, "unix_socket_directories=", "timezone=UTC"];
  settings.push("log_timezone=UTC", "lc_messages=C", ...(options.disposable ? DISPOSABLE : []));
  const readiness = createReadiness("Postgres", (line) =>
    line.includes("database system is ready to accept connections"),
  );
  const child = spawnServer({
    command: join(home, "bin/postgres"),
    args: ["-D", cluster, ...settings.flatMap((setting) => ["-c", setting])],
    user,
    deathSignal: "INT",
    onLine(line) {
      readiness.feed(line);
      log(options.logger, line);
    },
  });
  await readiness.wait(child, START_TIMEOUT_MS);
  const exited = child.exited.then(async (exit) => {
    await release();
    return exit;
  });
  return {
    url: urlOf(password, port),
    port,
    exited,
    async close() {
      await child.stop(["SIGINT", "SIGQUIT", "SIGKILL"], STOP_GRACE_MS);
      await exited;
    },
  };
}

/** Statement errors concern the client that sent the statement; operators only need errors of the server itself. */
function log(logger: Logger, line: string): void {
  if (/ (FATAL|PANIC): /.test(line)) logger.warn(line);
  else logger.debug(line);
}
