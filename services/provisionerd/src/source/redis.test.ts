import { nullLogger, systemClock } from "@fleet/base";
import { createTestRedis, startRelay, waitFor } from "@fleet/testkit";
import { Queue } from "bullmq";
import { Redis } from "ioredis";
import { createRedisSource } from "./redis.js";

const QUEUE = "jobs";

/** A source that reaches Redis through a relay that can drop traffic, and a directly connected producer. */
async function createDistant() {
  const server = await createTestRedis();
  const relay = await startRelay({ port: Number(new URL(server.url).port) });
  const url = new URL(server.url);
  url.port = String(relay.port);
  const { prefix } = server;
  const source = createRedisSource({ url: url.href, prefix, clock: systemClock, logger: nullLogger });
  source.watch([QUEUE]);
  const connection = new Redis(server.url, { maxRetriesPerRequest: null });
  const queue = new Queue(QUEUE, { connection, prefix: `${prefix}:bull` });
  return {
    source,
    relay,
    add: (id: string) => queue.add("job", { id }, { jobId: id }),
    async [Symbol.asyncDispose]() {
      await source.close();
      await queue.close();
      connection.disconnect();
      await relay[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

test("a hanging Redis is detected, reported, and used again when it responds", async () => {
  await using distant = await createDistant();
  const { source, relay } = distant;
  const signal = new AbortController().signal;
  await distant.add("first");
  const first = await source.take(signal);
  expect(first?.id).toBe("first");
  await first!.done();

  relay.swallow();
  const second = source.take(signal);
  await waitFor(() => source.trouble, { what: "the hang to be told of" });
  await distant.add("second");
  relay.restore();
  expect((await second)?.id).toBe("second");
  await waitFor(() => !source.trouble, { what: "the warning to end" });
}, 30_000);

test("a source closes promptly while Redis hangs", async () => {
  await using distant = await createDistant();
  const { source, relay } = distant;
  const taken = source.take(new AbortController().signal);
  relay.swallow();
  const begun = performance.now();
  await source.close();
  expect(await taken).toBeUndefined();
  expect(performance.now() - begun).toBeLessThan(6_000);
}, 30_000);
