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
  /** Every key and channel of the test begins with it; its keys are deleted by `await using`. */
  readonly prefix: string;
};

/** A part of the run's shared Redis. A test that flushes or kills the server takes `startPrivateRedis`. */
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
  /** Ends the server by SIGKILL, as a crash would. */
  kill(): Promise<void>;
  /** Starts an empty server on the same port after `kill`. Its password, and so its URL, is another. */
  restart(): Promise<void>;
};

/** A Redis server of one test's own. */
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
