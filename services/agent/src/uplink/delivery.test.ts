import type { AgentClient } from "@fleet/agentsdk";
import { nullLogger, systemClock } from "@fleet/base";
import { waitFor } from "../testing/wait.js";
import { createUplink } from "./delivery.js";

const CLIENT = {} as AgentClient;
/** Short pauses take no time. */
const immediate = {
  ...systemClock,
  after: (ms: number, callback: () => void) => systemClock.after(ms < 1_000 ? 0 : ms, callback),
};

test("items wait for a connection, then are sent in order and in batches", async () => {
  const uplink = createUplink({ clock: immediate, logger: nullLogger });
  const calls: number[][] = [];
  const numbers = uplink.delivery<number>({
    name: "numbers",
    limit: 10,
    batch: 2,
    delayMs: 0,
    send: async (_client, items) => calls.push(items),
  });
  for (const number of [1, 2, 3]) numbers.push(number);
  uplink.use(CLIENT);
  await numbers.flush(5_000);
  expect(calls).toEqual([[1, 2], [3]]);
});

test("a failed call is retried with the same items, before later ones", async () => {
  const uplink = createUplink({ clock: immediate, logger: nullLogger });
  const calls: number[][] = [];
  const numbers = uplink.delivery<number>({
    name: "numbers",
    limit: 10,
    batch: 5,
    delayMs: 0,
    async send(_client, items) {
      calls.push(items);
      if (calls.length === 1) {
        numbers.push(2);
        throw new Error("lost");
      }
    },
  });
  uplink.use(CLIENT);
  numbers.push(1);
  await waitFor(() => calls.length === 3);
  expect(calls).toEqual([[1], [1], [2]]);
});

test("one item waits per key, and beyond the limit the oldest are dropped", async () => {
  const uplink = createUplink({ clock: immediate, logger: nullLogger });
  const calls: string[][] = [];
  const texts = uplink.delivery<string>({
    name: "texts",
    limit: 2,
    batch: 9,
    delayMs: 0,
    keyOf: (text) => text[0]!,
    send: async (_client, items) => calls.push(items),
  });
  for (const text of ["a1", "b1", "a2", "c1"]) texts.push(text);
  uplink.use(CLIENT);
  await texts.flush(5_000);
  expect(calls).toEqual([["a2", "c1"]]);
});

test("a flush gives up after its time limit", async () => {
  const uplink = createUplink({ clock: systemClock, logger: nullLogger });
  const numbers = uplink.delivery<number>({
    name: "n",
    limit: 1,
    batch: 1,
    delayMs: 0,
    send: async () => {},
  });
  numbers.push(1);
  await numbers.flush(20);
});
