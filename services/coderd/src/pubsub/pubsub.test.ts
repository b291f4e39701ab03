import { nullLogger, systemClock } from "@fleet/base";
import { createTestRedis, startRelay, waitFor } from "@fleet/testkit";
import { openRedis } from "../redis.js";
import { createPubsub, type PubsubMessage } from "./pubsub.js";

/** Redis behind a relay that can drop traffic. */
async function createDistant() {
  const server = await createTestRedis();
  const relay = await startRelay({ port: Number(new URL(server.url).port) });
  const url = new URL(server.url);
  url.port = String(relay.port);
  const redis = openRedis(url.href, systemClock);
  redis.on("error", () => {});
  const pubsub = createPubsub({ redis, prefix: server.prefix, logger: nullLogger });
  return {
    redis,
    pubsub,
    relay,
    async [Symbol.asyncDispose]() {
      await pubsub.close();
      redis.disconnect();
      await relay[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

test("while Redis hangs nobody waits for it, and subscribers are told to resync afterwards", async () => {
  await using distant = await createDistant();
  const { pubsub, redis, relay } = distant;
  const before: PubsubMessage[] = [];
  const meanwhile: PubsubMessage[] = [];
  await pubsub.listen("news", (message) => before.push(message));
  pubsub.publish("news", { number: 1 });
  await waitFor(() => before.length === 1, { what: "the first message" });

  relay.swallow();
  await waitFor(() => redis.status !== "ready", { what: "the hang to be noticed" });
  const begun = performance.now();
  await expect(redis.get("key")).rejects.toThrow();
  pubsub.publish("news", { number: 2 });
  await pubsub.listen("other news", (message) => meanwhile.push(message));
  expect(performance.now() - begun).toBeLessThan(3_500);

  relay.restore();
  await waitFor(() => before.length > 1 && meanwhile.length > 0, { what: "Redis to be found again" });
  expect(before).toEqual([{ number: 1 }, { resync: true }]);
  expect(meanwhile).toEqual([{ resync: true }]);
  await waitFor(() => redis.status === "ready", { what: "messages to be sent again" });
  pubsub.publish("news", { number: 3 });
  pubsub.publish("other news", { number: 4 });
  await waitFor(() => before.length === 3 && meanwhile.length === 2, { what: "messages to come again" });
}, 30_000);

test("a subscriber that does not read buffers a bounded number of messages, then gets one resync", async () => {
  await using distant = await createDistant();
  const { pubsub } = distant;
  const end = new AbortController();
  const messages = (await pubsub.subscribe("news", end.signal))[Symbol.asyncIterator]();
  let counted = 0;
  await pubsub.listen("news", () => counted++);
  for (let number = 0; number < 1_000; number++) pubsub.publish("news", { number });
  await waitFor(() => counted === 1_000, { what: "all messages" });
  const held: PubsubMessage[] = [];
  const reading = (async () => {
    for (let next = await messages.next(); !next.done; next = await messages.next()) held.push(next.value);
  })();
  await waitFor(() => held.at(-1)?.number === 999, { what: "the last message" });
  end.abort();
  await reading;
  expect(held.length).toBeLessThanOrEqual(256);
  expect(held[0]).toEqual({ resync: true });
});
