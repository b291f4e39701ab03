import { createTestDatabase, startRelay, waitFor } from "@fleet/testkit";
import { toTold } from "../outage.js";
import { createDatabase, inTransaction } from "./client.js";
import { Prisma } from "./gen/client.js";
import { NOTICED_AFTER_MS } from "./watch.js";

/** A database behind a relay that can drop traffic. */
async function createDistant(poolSize = 4) {
  const database = await createTestDatabase({ template: "empty", migrate: async () => {} });
  const relay = await startRelay({ port: Number(new URL(database.url).port) });
  const url = new URL(database.url);
  url.hostname = "127.0.0.1";
  url.port = String(relay.port);
  const heard: string[] = [];
  const { db, hot, connections, close } = createDatabase({
    url: url.href,
    poolSize,
    onAway: ({ message }) => heard.push(message),
    onBack: () => heard.push("back"),
  });
  return {
    db,
    hot,
    connections,
    relay,
    heard,
    async [Symbol.asyncDispose]() {
      await close();
      await relay[Symbol.asyncDispose]();
      await database[Symbol.asyncDispose]();
    },
  };
}

const UNAVAILABLE = { code: "unavailable", message: expect.stringMatching(/Postgres\) is not responding/) };

test("if Postgres hangs, queries fail with a message, further ones at once, and it recovers", async () => {
  await using distant = await createDistant();
  const { db, hot, relay } = distant;
  const one = () => db.$queryRaw`SELECT 1`;
  await Promise.all([one(), one(), hot("one", Prisma.sql`SELECT 1`)]);
  const lost = Promise.withResolvers<void>();
  const underWay = inTransaction(db, async (tx) => {
    await tx.$queryRaw`SELECT 1`;
    lost.resolve();
    await tx.$queryRaw`SELECT 1 FROM pg_sleep(1)`;
    await tx.$queryRaw`SELECT 1`;
  });
  await lost.promise;
  relay.swallow();
  const begun = performance.now();
  // More queries than connections: those waiting for a connection fail, too.
  const asked = [
    underWay,
    inTransaction(db, (tx) => tx.$queryRaw`SELECT 1`),
    ...Array.from({ length: 20 }, one),
    ...Array.from({ length: 5 }, () => hot("one", Prisma.sql`SELECT 1`)),
  ];
  for (const { status, reason } of (await Promise.allSettled(asked)) as PromiseRejectedResult[]) {
    expect(status).toBe("rejected");
    expect(toTold(reason)).toMatchObject(UNAVAILABLE);
  }
  // Not each by itself, one after another.
  expect(performance.now() - begun).toBeLessThan(2 * NOTICED_AFTER_MS);
  const again = performance.now();
  expect(toTold(await one().catch((error) => error))).toMatchObject(UNAVAILABLE);
  expect(toTold(await db.replica.findMany().catch((error) => error))).toMatchObject(UNAVAILABLE);
  expect(performance.now() - again).toBeLessThan(NOTICED_AFTER_MS / 2);
  expect(distant.heard).toEqual(["it is not responding"]);

  relay.restore();
  await waitFor(one, { what: "Postgres to be used again" });
  await Promise.all(Array.from({ length: 20 }, one));
  await hot("one", Prisma.sql`SELECT 1`);
  expect(distant.heard.at(-1)).toBe("back");
  expect(distant.connections()).toMatchObject({ used: 0, waiting: 0 });
}, 30_000);

test("a slow statement is not mistaken for a hang", async () => {
  await using distant = await createDistant();
  await distant.db.$queryRaw`SELECT 1 FROM pg_sleep(${NOTICED_AFTER_MS / 1000 + 1})`;
  expect(distant.heard).toEqual([]);
}, 30_000);
