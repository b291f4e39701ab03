/** @jest-environment ./services/dashboard/src/testing/browser.mjs */
import { createPulse, type Reach } from "./pulse.js";

/** A pulse with a simulated server and clock. */
function begin() {
  let time = 0;
  let look = () => {};
  const asked: { answer(): void; refuse(): void }[] = [];
  const seen: Reach[] = [];
  const world = { online: true, visible: true };
  const pulse = createPulse({
    ask: () => {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      asked.push({ answer: resolve, refuse: () => reject(new Error("refused")) });
      return promise;
    },
    now: () => time,
    every(_ms, callback) {
      look = callback;
      return () => {};
    },
    isOnline: () => world.online,
    isVisible: () => world.visible,
  });
  pulse.subscribe(() => seen.push(pulse.state()));
  const stop = pulse.start();
  return {
    pulse,
    asked,
    seen,
    world,
    /** Advances in steps of half a second, and processes answers. */
    async wait(ms: number) {
      await new Promise((resolve) => setTimeout(resolve));
      for (const end = time + ms; time < end; ) {
        time += 500;
        look();
        await Promise.resolve();
      }
    },
    [Symbol.dispose]: stop,
  };
}

test("an unresponsive server counts as lost within 9 s, and its requests are aborted", async () => {
  using page = begin();
  const { signal } = { signal: page.pulse.lost() };
  await page.wait(9_000);
  expect(page.seen).toEqual(["lost"]);
  expect(signal.aborted).toBe(true);
});

test("a server that sends data is not probed, and one that answers is not lost", async () => {
  using page = begin();
  for (let second = 0; second < 20; second++) {
    page.pulse.heard();
    await page.wait(1_000);
  }
  expect(page.asked).toHaveLength(0);
  await page.wait(4_000);
  page.asked[0]!.answer();
  await page.wait(5_000);
  expect(page.seen).toEqual([]);
});

test("a recovered server is detected within 2 s, and waiting requests continue", async () => {
  using page = begin();
  await page.wait(9_000);
  let went = false;
  void page.pulse.reachable(new AbortController().signal).then(() => {
    went = true;
  });
  await page.wait(2_000);
  expect(went).toBe(false);
  page.asked.at(-1)!.answer();
  await page.wait(0);
  expect([page.seen, went]).toEqual([["lost", "ok"], true]);
  expect(page.pulse.lost().aborted).toBe(false);
});

test("a refused connection is detected immediately when suspected", async () => {
  using page = begin();
  page.pulse.doubt();
  page.asked[0]!.refuse();
  await page.wait(0);
  expect(page.seen).toEqual(["lost"]);
});

test("a browser without a network is offline, and probes immediately when it is back", async () => {
  using page = begin();
  page.world.online = false;
  await page.wait(500);
  expect(page.seen).toEqual(["offline"]);
  page.world.online = true;
  await page.wait(2_000);
  page.asked.at(-1)!.answer();
  await page.wait(0);
  expect(page.seen).toEqual(["offline", "ok"]);
});

test("a hidden page does not probe", async () => {
  using page = begin();
  page.world.visible = false;
  await page.wait(60_000);
  expect(page.asked).toHaveLength(0);
  expect(page.seen).toEqual([]);
});
