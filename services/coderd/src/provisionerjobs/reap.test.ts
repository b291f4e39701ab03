import { createFakeClock } from "@fleet/testkit";
import { createReaper } from "./reap.js";

const LOST_AFTER_MS = 30_000;

function reaper() {
  const clock = createFakeClock();
  let reaped = 0;
  let away = false;
  const { run } = createReaper({
    reap: async () => {
      reaped += 1;
      return [];
    },
    probe: async () => {
      if (away) throw new Error("The database is away.");
    },
    clock,
    lostAfterMs: LOST_AFTER_MS,
  });
  /** Runs the reaper every five seconds and returns how often it looked for lost jobs. */
  const runFor = async (ms: number) => {
    const before = reaped;
    for (let passed = 0; passed < ms; passed += 5_000) {
      await clock.advance(5_000);
      await run().catch(() => {});
    }
    return reaped - before;
  };
  return {
    clock,
    runFor,
    fail(value: boolean) {
      away = value;
    },
  };
}

test("nothing is reaped until coderd could receive heartbeats for long enough", async () => {
  const { runFor } = reaper();
  expect(await runFor(25_000)).toBe(0);
  expect(await runFor(25_000)).toBe(5);
});

test("time without the database does not count", async () => {
  const { runFor, fail } = reaper();
  await runFor(60_000);
  fail(true);
  await runFor(60_000);
  fail(false);
  expect(await runFor(25_000)).toBe(0);
  expect(await runFor(10_000)).toBe(2);
});

test("time in which the machine was suspended does not count", async () => {
  const { clock, runFor } = reaper();
  await runFor(60_000);
  await clock.advance(3_600_000);
  expect(await runFor(30_000)).toBe(0);
  expect(await runFor(10_000)).toBeGreaterThan(0);
});
