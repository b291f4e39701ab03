import { mkdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { systemClock } from "@fleet/base";
import { Redis } from "ioredis";
import pg from "pg";
import {
  captureLogs,
  createFakeClock,
  createPtyExpecter,
  createTestDatabase,
  createTestRedis,
  startBroker,
  startPrivateRedis,
  waitFor,
} from "./index.js";

async function query(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

describe("createTestDatabase", () => {
  let migrations = 0;
  async function migrate(url: string): Promise<void> {
    migrations++;
    await query(url, "CREATE TABLE things (name text); INSERT INTO things VALUES ('seed')");
  }

  test("clones one migrated template database concurrently, and drops each clone", async () => {
    const template = "testkit_clone";
    const opened = await Promise.all(
      Array.from({ length: 4 }, () => createTestDatabase({ migrate, template })),
    );
    const [first, second] = opened;
    expect(migrations).toBe(1);
    await query(first!.url, "INSERT INTO things VALUES ('mine')");
    expect(await query(second!.url, "SELECT name FROM things")).toEqual([{ name: "seed" }]);
    for (const database of opened) await database[Symbol.asyncDispose]();
    await expect(query(first!.url, "SELECT 1")).rejects.toThrow("does not exist");
  });

  test("a failed migration leaves no template database", async () => {
    const template = "testkit_failing";
    const broken = () => Promise.reject(new Error("broken migration"));
    await expect(createTestDatabase({ migrate: broken, template })).rejects.toThrow("broken migration");
    await using database = await createTestDatabase({ migrate, template });
    expect(await query(database.url, "SELECT name FROM things")).toHaveLength(1);
  });
});

describe("Redis", () => {
  test("the shared server removes a test's keys, and only those", async () => {
    const first = await createTestRedis();
    await using second = await createTestRedis();
    const client = new Redis(first.url);
    await client.mset(`${first.prefix}:a`, "1", `${second.prefix}:a`, "2");
    await first[Symbol.asyncDispose]();
    expect(await client.mget(`${first.prefix}:a`, `${second.prefix}:a`)).toEqual([null, "2"]);
    client.disconnect();
  });

  test("a private server can be killed and restarts empty on its port", async () => {
    await using redis = await startPrivateRedis();
    const { port } = redis;
    await redis.kill();
    await redis.restart();
    expect(redis.port).toBe(port);
    const client = new Redis(redis.url);
    expect(await client.dbsize()).toBe(0);
    client.disconnect();
  });
});

test("a broker removes leftovers of a killed run, and its own on close", async () => {
  // Beyond Linux's largest pid.
  const dead = 2 ** 22 + 1;
  const first = await startBroker();
  const base = dirname(dirname(first.socketPath));
  const leftover = join(base, `fleet-test-${dead}-left`);
  await mkdir(leftover);
  const second = await startBroker();
  await expect(stat(leftover)).rejects.toThrow("ENOENT");
  await stat(first.socketPath);
  for (const broker of [first, second]) await broker.close();
  await expect(stat(dirname(first.socketPath))).rejects.toThrow("ENOENT");
});

describe("createFakeClock", () => {
  test("runs timers in order and lets promises between them settle", async () => {
    const clock = createFakeClock();
    const seen: string[] = [];
    const ticker = clock.every(10, () => seen.push(`tick at ${clock.now().getUTCMilliseconds()}`));
    clock.after(15, () => seen.push("once"));
    const chain = (async () => {
      await clock.sleep(5);
      await clock.sleep(12);
      seen.push("chain");
    })();
    await clock.advance(20);
    await chain;
    expect(seen).toEqual(["tick at 10", "once", "chain", "tick at 20"]);
    ticker.cancel();
    expect(clock.pending).toBe(0);
  });

  test("a sleep rejects with its signal's reason", async () => {
    const clock = createFakeClock();
    const stop = new AbortController();
    const sleeping = clock.sleep(1000, stop.signal);
    stop.abort(new Error("enough"));
    await expect(sleeping).rejects.toThrow("enough");
    expect(clock.pending).toBe(0);
  });
});

test("waitFor reports what it waited for and the last error", async () => {
  const failing = () => {
    throw new Error("still closed");
  };
  await expect(waitFor(failing, { what: "the door", timeoutMs: 30 })).rejects.toThrow(
    "Waited in vain for the door (30 ms); the last error was: still closed",
  );
  let calls = 0;
  expect(await waitFor(() => ++calls === 3 && "open", { what: "the door" })).toBe("open");
});

test("a pty expecter drives a program that needs a terminal", async () => {
  await using shell = createPtyExpecter({
    command: "/bin/sh",
    env: { PS1: "ready> ", PATH: process.env.PATH },
  });
  await shell.expect("ready> ");
  shell.send("test -t 0 && echo on a ter''minal; stty size\r");
  await shell.expect(/on a terminal\s+40 120/);
  shell.send("exit 3\r");
  expect(await shell.exited).toMatchObject({ exitCode: 3 });
});

test("captured logs contain the fields of the child logger", () => {
  const { logger, lines, text } = captureLogs();
  logger.child({ job: "j1" }).warn("Slow.", { ms: 5 });
  expect(lines).toEqual([{ level: "warn", message: "Slow.", fields: { job: "j1", ms: 5 } }]);
  expect(text()).toContain("job: 'j1'");
  expect(systemClock.now()).toBeInstanceOf(Date);
});
