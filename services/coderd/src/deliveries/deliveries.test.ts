import { randomUUID } from "node:crypto";
import { type Clock, nullLogger, systemClock } from "@fleet/base";
import { createFakeClock, createTestDatabase, type FakeClock, waitFor } from "@fleet/testkit";
import { createDatabase, type Database } from "../database/client.js";
import { migrate } from "../database/migrate.js";
import { createDbcrypt } from "../dbcrypt/dbcrypt.js";
import { MIGRATIONS_DIR } from "../testing/coderd.js";
import { type Channel, DeliveryRefused, type DispatcherSettings, startDispatcher } from "./dispatcher.js";
import { createDeliveryStore, type DeliveryStore, type LeasedDelivery } from "./store.js";

const SETTINGS: DispatcherSettings = {
  maxAttempts: 3,
  retryIntervalMs: 60_000,
  fetchIntervalMs: 1_000,
  leaseMs: 120_000,
  leaseCount: 20,
  timeoutMs: 60_000,
  syncIntervalMs: 1_000,
  syncBuffer: 50,
};
const crypt = createDbcrypt(Buffer.alloc(32, 7).toString("base64"));

type Queue = AsyncDisposable & { db: Database; store: DeliveryStore };

async function createQueue(): Promise<Queue> {
  const database = await createTestDatabase({
    migrate: async (url) => void (await migrate(url, MIGRATIONS_DIR, nullLogger)),
  });
  const { db, close } = createDatabase({ url: database.url, poolSize: 5 });
  return {
    db,
    store: createDeliveryStore(db, crypt),
    async [Symbol.asyncDispose]() {
      await close();
      await database[Symbol.asyncDispose]();
    },
  };
}

function dispatch(
  store: DeliveryStore,
  channels: Channel[],
  clock: Clock | FakeClock = systemClock,
  settings = SETTINGS,
) {
  const dispatcher = startDispatcher({
    store,
    channels,
    settings,
    clock,
    logger: nullLogger,
    random: () => 0.5,
  });
  async function close() {
    const closed = dispatcher.close();
    // What hangs is given a moment.
    if ("advance" in clock) await clock.advance(10_000);
    await closed;
  }
  return { close, [Symbol.asyncDispose]: close };
}

const message = (destination: string, payload: unknown = {}) => ({ destination, subject: "s", payload });
const states = async (db: Database) =>
  (await db.delivery.findMany({ orderBy: { createdAt: "asc" } })).map(({ state }) => state);

test("hundreds of messages are each sent once by two replicas, and their content is gone afterwards", async () => {
  await using queue = await createQueue();
  const sent: string[] = [];
  const channel: Channel = {
    name: "mail",
    parallel: 8,
    send: async ({ payload }) => void sent.push((payload as { n: string }).n),
  };
  const expected = Array.from({ length: 300 }, (_, n) => String(n));
  await queue.store.insert(
    expected.map((n) => message("mail", { n })),
    new Date(),
  );
  const [stored] = await queue.db.delivery.findMany({ take: 1 });
  expect(Buffer.from(stored!.payload).toString()).not.toContain('"n"');
  await using _a = dispatch(queue.store, [channel]);
  await using _b = dispatch(queue.store, [channel]);
  await waitFor(async () => (await queue.db.delivery.count({ where: { state: "sent" } })) === 300, {
    what: "all messages",
  });
  expect(sent.toSorted()).toEqual(expected.toSorted());
  expect(await queue.db.delivery.count({ where: { payload: { not: new Uint8Array() } } })).toBe(0);
});

test("a failed message is tried again later, and listed with the reason when its attempts are used up", async () => {
  await using queue = await createQueue();
  const clock = createFakeClock();
  const attempts: number[] = [];
  const channel: Channel = {
    name: "mail",
    parallel: 1,
    async send(one) {
      attempts.push(one.attempts);
      throw new Error(`no luck ${one.attempts}`, { cause: new Error("450 busy") });
    },
  };
  await queue.store.insert([message("mail")], clock.now());
  await using _ = dispatch(queue.store, [channel], clock);
  const reasonIs = (attempts: number) =>
    waitFor(
      async () => (await queue.db.delivery.findFirstOrThrow()).reason === `no luck ${attempts} (450 busy)`,
      { what: `attempt ${attempts}` },
    );
  await reasonIs(1);
  await clock.advance(59_000);
  expect(attempts).toEqual([1]);
  await clock.advance(2_000);
  await reasonIs(2);
  await clock.advance(100_000);
  expect(attempts).toEqual([1, 2]);
  await clock.advance(21_000);
  await reasonIs(3);
  expect(await states(queue.db)).toEqual(["dead"]);
  expect(await queue.store.revive(undefined, clock.now())).toBe(1);
  await clock.advance(1_000);
  await waitFor(() => attempts.length === 4, { what: "another attempt" });
  expect(attempts[3]).toBe(1);
});

test("a refused message is dead at once, and one that expired is not sent", async () => {
  await using queue = await createQueue();
  const sent: string[] = [];
  const channel: Channel = {
    name: "mail",
    parallel: 1,
    async send({ id }) {
      sent.push(id);
      throw new DeliveryRefused("550 no such user");
    },
  };
  const [refused, expired] = [randomUUID(), randomUUID()];
  const past = new Date(Date.now() - 1_000);
  await queue.store.insert(
    [
      { ...message("mail"), id: refused },
      { ...message("mail", { code: "secret" }), id: expired, expiresAt: past },
    ],
    new Date(),
  );
  await using _ = dispatch(queue.store, [channel]);
  await waitFor(async () => (await states(queue.db)).every((state) => state === "dead"), { what: "both" });
  expect(sent).toEqual([refused]);
  const { rows, count } = await queue.store.list({ state: "dead" }, { take: 10, skip: 0 });
  expect(count).toBe(2);
  expect(rows.find(({ id }) => id === refused)!.reason).toBe("550 no such user");
  const row = await queue.db.delivery.findUniqueOrThrow({ where: { id: expired } });
  expect(row.payload).toHaveLength(0);
  expect(await queue.store.revive([refused, expired], new Date())).toBe(1);
});

test("a destination that hangs delays no other one, and gives up at the time limit", async () => {
  await using queue = await createQueue();
  const clock = createFakeClock();
  const sent: string[] = [];
  let hanging = 0;
  const channel: Channel = {
    name: "hook",
    parallel: 2,
    async send({ destination }) {
      if (destination === "hook:slow") {
        hanging++;
        // Not even the signal is obeyed.
        await new Promise(() => {});
      }
      sent.push(destination);
    },
  };
  await queue.store.insert(
    [...Array(5).fill("hook:slow"), ...Array(5).fill("hook:fast")].map((to: string) => message(to)),
    clock.now(),
  );
  await using _ = dispatch(queue.store, [channel], clock);
  await waitFor(() => sent.length === 5 && hanging === 2, { what: "the others" });
  await clock.advance(SETTINGS.timeoutMs + 1_000);
  await waitFor(
    async () => (await queue.db.delivery.count({ where: { reason: "No response within 60 s." } })) >= 2,
    { what: "the time limit" },
  );
  expect(sent).toEqual(Array(5).fill("hook:fast"));
});

test("another replica sends what a killed one held, once its lease ends; a clock that jumps loses nothing", async () => {
  await using queue = await createQueue();
  const clock = createFakeClock();
  await queue.store.insert([message("mail"), message("mail"), message("mail")], clock.now());
  const lease = {
    destination: "mail",
    take: 3,
    leaseId: randomUUID(),
    leaseMs: SETTINGS.leaseMs,
    maxAttempts: 3,
  };
  const [, ahead, spent] = await queue.store.lease(lease, [], clock.now());
  const year = new Date(clock.now().getTime() + 365 * 24 * 3_600_000);
  // One was written by a replica whose clock was a year ahead; of one, each attempt ended in a crash.
  await queue.db.delivery.update({ where: { id: ahead!.id }, data: { dueAt: year, leasedUntil: year } });
  await queue.db.delivery.update({ where: { id: spent!.id }, data: { attempts: 3 } });
  const sent: LeasedDelivery[] = [];
  const channel: Channel = { name: "mail", parallel: 5, send: async (one) => void sent.push(one) };
  await using _ = dispatch(queue.store, [channel], clock);
  await waitFor(() => sent.length === 1, { what: "what is due" });
  expect(sent[0]!.id).toBe(ahead!.id);
  await clock.advance(SETTINGS.leaseMs + 1_000);
  await waitFor(async () => !(await states(queue.db)).includes("pending"), { what: "the rest" });
  expect(sent).toHaveLength(2);
  expect(sent[1]!.attempts).toBe(2);
  const row = await queue.db.delivery.findUniqueOrThrow({ where: { id: spent!.id } });
  expect(row).toMatchObject({ state: "dead", reason: expect.stringContaining("stopped before it knew") });
});

test("a replica that closes releases what it was sending, without counting the attempt", async () => {
  await using queue = await createQueue();
  const clock = createFakeClock();
  let sending = 0;
  const channel: Channel = {
    name: "mail",
    parallel: 1,
    async send() {
      sending++;
      await new Promise(() => {});
    },
  };
  await queue.store.insert([message("mail")], clock.now());
  const first = dispatch(queue.store, [channel], clock);
  await waitFor(() => sending === 1, { what: "the attempt" });
  await first.close();
  const row = await queue.db.delivery.findFirstOrThrow();
  expect(row).toMatchObject({ state: "pending", attempts: 0, leaseId: null });
});

test("a result that Postgres does not take is stored later, and the message is not sent again", async () => {
  await using queue = await createQueue();
  const clock = createFakeClock();
  let sent = 0;
  let away = true;
  const store: DeliveryStore = {
    ...queue.store,
    record: (...args) => (away ? Promise.reject(new Error("away")) : queue.store.record(...args)),
  };
  const channel: Channel = { name: "mail", parallel: 1, send: async () => void sent++ };
  await queue.store.insert([message("mail"), message("mail")], clock.now());
  await using _ = dispatch(store, [channel], clock, { ...SETTINGS, syncBuffer: 1 });
  await waitFor(() => sent === 1, { what: "the first" });
  await clock.advance(5_000);
  expect(sent).toBe(1);
  away = false;
  await clock.advance(2_000);
  await waitFor(async () => (await states(queue.db)).every((state) => state === "sent"), { what: "both" });
  expect(sent).toBe(2);
});

test("what waits while a channel is paused is sent afterwards, and a repeat is stored once", async () => {
  await using queue = await createQueue();
  const clock = createFakeClock();
  let paused = true;
  let sent = 0;
  const channel: Channel = {
    name: "mail",
    parallel: 5,
    paused: async () => paused,
    send: async () => void sent++,
  };
  for (let round = 0; round < 2; round++)
    await queue.store.insert([{ ...message("mail"), dedupeKey: "once" }, message("unknown")], clock.now());
  await using _ = dispatch(queue.store, [channel], clock);
  await clock.advance(7 * 24 * 3_600);
  expect(sent).toBe(0);
  paused = false;
  await clock.advance(1_000);
  await waitFor(() => sent === 1, { what: "the message" });
  await waitFor(async () => (await states(queue.db)).filter((state) => state === "pending").length === 2, {
    what: "those of a channel that this replica does not have",
  });
});
