import { FleetError } from "@fleet/sdk/browser";
import { follow, type LiveState } from "./live.js";

type Script = (readonly string[] | FleetError)[];

/** A reachable server that counts what streams report about it. */
function reachable() {
  const connection = new AbortController();
  return {
    doubts: 0,
    lose: () => connection.abort(),
    heard() {},
    doubt() {
      this.doubts += 1;
    },
    lost: () => connection.signal,
    reachable: async () => {},
  };
}

/** Runs `follow` over successive streams that end or break. The last one aborts it. */
async function run(script: Script, isOver: boolean) {
  const controller = new AbortController();
  const items: string[] = [];
  const states: LiveState[] = [];
  let opened = 0;
  await follow<string>({
    async *open() {
      const step = script[opened++];
      if (step === undefined) return controller.abort();
      if (step instanceof FleetError) throw step;
      yield* step;
    },
    onItem: (item) => items.push(item),
    onState: (state) => states.push(state),
    isOver: () => isOver,
    signal: controller.signal,
    wait: async () => {},
    pulse: reachable(),
  });
  return { items, states, opened };
}

const away = new FleetError("unavailable", "away");

test("a broken stream is reopened", async () => {
  const { items, states } = await run([["a"], away, ["b"]], false);
  expect(items).toEqual(["a", "b"]);
  expect(states).toEqual(["live", "lost", "lost", "live", "lost"]);
});

test("a stream that the server ends is not reopened if it is complete", async () => {
  expect(await run([away, ["a"]], true)).toEqual({
    items: ["a"],
    states: ["lost", "live", "ended"],
    opened: 2,
  });
});

test("a stream that is gone or forbidden is not reopened", async () => {
  const gone = await run([["a"], new FleetError("not_found", "gone"), ["b"]], false);
  expect(gone.items).toEqual(["a"]);
  expect(gone.states.at(-1)).toBe("ended");
});

test("a stream that falls silent is replaced", async () => {
  const controller = new AbortController();
  const items: string[] = [];
  let silentForMs = 44_000;
  let check = () => {};
  const pulse = reachable();
  let opened = 0;
  const following = follow<string>({
    async *open(signal) {
      opened += 1;
      yield `item ${opened}`;
      if (opened === 2) return controller.abort();
      const broken = new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => reject(away), { once: true });
      });
      check();
      expect(signal.aborted).toBe(false);
      silentForMs = 46_000;
      check();
      await broken;
    },
    onItem: (item) => items.push(item),
    onState() {},
    isOver: () => false,
    // Simulates elapsed time by lowering the limit, possibly below zero.
    silenceMs: () => 45_000 - silentForMs,
    listen(callback) {
      check = callback;
      return () => {};
    },
    signal: controller.signal,
    wait: async () => {},
    pulse,
  });
  await following;
  expect(items).toEqual(["item 1", "item 2"]);
  expect(pulse.doubts).toBeGreaterThan(0);
});

test("streams of a lost server end immediately, and are reopened when it is reachable", async () => {
  const controller = new AbortController();
  const connection = reachable();
  const back = Promise.withResolvers<void>();
  const states: LiveState[] = [];
  let opened = 0;
  const following = follow<string>({
    async *open(signal) {
      opened += 1;
      yield "item";
      if (opened === 2) return controller.abort();
      const broken = new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => reject(away), { once: true });
      });
      connection.lose();
      await broken;
    },
    onItem() {},
    onState(state) {
      states.push(state);
      if (state === "lost") back.resolve();
    },
    isOver: () => false,
    signal: controller.signal,
    wait: async () => {},
    pulse: {
      ...connection,
      lost: () => (opened === 0 ? connection.lost() : new AbortController().signal),
      reachable: () => (opened === 0 ? Promise.resolve() : back.promise),
    },
  });
  await following;
  expect(opened).toBe(2);
  expect(states).toEqual(["live", "lost", "live"]);
});
