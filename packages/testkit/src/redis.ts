import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nullLogger } from "@fleet/base";
import { startRedis } from "@fleet/embedded";
import { Redis } from "ioredis";
import { sharedServerUrl } from "./broker.js";

export type TestRedis = AsyncDisposable & {
  readonly url: string;
  /** Prefix of every key and channel of the test; `await using` deletes its keys. */
  readonly prefix: string;
};

/** A share of the run's Redis. Tests that flush or kill the server use `startPrivateRedis`. */
export async function createTestRedis(): Promise<TestRedis> {
  const url = await sharedServerUrl("redis");
  const prefix = `test_${randomBytes(6).toString("hex")}`;
  return { url, prefix, [Symbol.asyncDispose]: () => deleteKeys(url, prefix) };
}

async function deleteKeys(url: string, prefix: string): Promise<void> {
  const client = new Redis(url);
  try {
    for await (const keys of client.scanStream({ match: `${prefix}*`, count: 500 })) {
      if (keys.length > 0) await client.unlink(...(keys as string[]));
    }
  } finally {
    client.disconnect();
  }
}

export type PrivateRedis = AsyncDisposable & {
  readonly url: string;
  readonly port: number;
  /** Kills the server with SIGKILL, like a crash. */
  kill(): Promise<void>;
  /** Starts an empty server on the same port after `kill`. Its password, and so its URL, is new. */
  restart(): Promise<void>;
};

/** A Redis server private to one test. */
export async function startPrivateRedis(): Promise<PrivateRedis> {
  const dir = await mkdtemp(join(tmpdir(), "fleet-redis-"));
  let server = await startRedis({ dir, logger: nullLogger });
  return {
    get url() {
      return server.url;
    },
    get port() {
      return server.port;
    },
    async kill() {
      process.kill(server.pid, "SIGKILL");
      await server.exited;
    },
    async restart() {
      server = await startRedis({ dir, port: server.port, logger: nullLogger });
    },
    async [Symbol.asyncDispose]() {
      await server.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
