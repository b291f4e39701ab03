import { randomBytes } from "node:crypto";
import { accessSync, constants } from "node:fs";
import { mkdir } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { FleetError, type Logger, retry, systemClock } from "@fleet/base";
import { type ChildExit, createReadiness, spawnServer } from "./child.js";
import { freePort, isPortFree } from "./ports.js";

const START_TIMEOUT_MS = 20_000;
const STOP_GRACE_MS = 10_000;
/** Tries to find a port, since another process may take the chosen one before Redis does. */
const PORT_ATTEMPTS = 3;

export type RedisOptions = {
  /** Working folder. Created if missing. */
  dir: string;
  /** TCP port of 127.0.0.1. By default, a free one. */
  port?: number;
  /** By default, a random one. Set it so that a restarted server keeps its URL. */
  password?: string;
  logger: Logger;
  /** `none` keeps everything in memory, which is enough here: losing Redis at any moment is fine. */
  persistence?: "none" | "appendonly";
};

export type Redis = {
  /** Connection URL, password included: never log it. */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** Settles when the server is gone, whether or not it was asked to stop. */
  readonly exited: Promise<ChildExit>;
  close(): Promise<void>;
};

/**
 * Starts redis-server as a child of this process, which it does not outlive, on 127.0.0.1 behind a password.
 * Throws `failed_precondition` if the program is not installed, `conflict` if the port is taken.
 */
export async function startRedis(options: RedisOptions): Promise<Redis> {
  const command = findRedis();
  await mkdir(options.dir, { recursive: true, mode: 0o700 });
  if (options.port !== undefined && !(await isPortFree(options.port))) {
    throw new FleetError(
      "conflict",
      `Redis could not start: port ${options.port} on 127.0.0.1 is already in use.`,
    );
  }
  return retry(async () => launch(command, options.port ?? (await freePort()), options), {
    attempts: PORT_ATTEMPTS,
    clock: systemClock,
    retryable: () => options.port === undefined,
  });
}

function findRedis(): string {
  for (const folder of [...(process.env.PATH ?? "").split(delimiter), "/usr/bin", "/usr/local/bin"]) {
    const path = join(folder, "redis-server");
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {}
  }
  throw new FleetError(
    "failed_precondition",
    "redis-server is not installed. Install it (apt-get install redis-server), or set CODER_REDIS_URL to use an existing server.",
  );
}

async function launch(command: string, port: number, options: RedisOptions): Promise<Redis> {
  const password = options.password ?? randomBytes(24).toString("base64url");
  const config = [
    "bind 127.0.0.1",
    `port ${port}`,
    `requirepass ${password}`,
    `dir ${JSON.stringify(options.dir)}`,
    'save ""',
    `appendonly ${options.persistence === "appendonly" ? "yes" : "no"}`,
    // BullMQ requires it: a queue must never lose a key to eviction.
    "maxmemory-policy noeviction",
  ];
  const readiness = createReadiness("Redis", (line) => line.includes("Ready to accept connections"));
  const child = spawnServer({
    command,
    args: ["-"],
    stdin: `${config.join("\n")}\n`,
    deathSignal: "TERM",
    onLine(line) {
      readiness.feed(line);
      options.logger.debug(line);
    },
  });
  await readiness.wait(child, START_TIMEOUT_MS);
  return {
    url: `redis://:${password}@127.0.0.1:${port}/0`,
    port,
    pid: child.pid,
    exited: child.exited,
    close: () => child.stop(["SIGTERM", "SIGKILL"], STOP_GRACE_MS),
  };
}
