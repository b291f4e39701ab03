import type { ChildExit } from "@fleet/embedded";
import { createFakeClock, waitFor } from "@fleet/testkit";
import { type Running, supervise } from "./supervise.js";

/** A process that can be made to crash, and counts its starts. */
function createFragile() {
  const fragile = { starts: 0, stops: 0, failing: false, die: (_exit: ChildExit) => {} };
  async function start(): Promise<Running> {
    fragile.starts++;
    if (fragile.failing) throw new Error("no space left");
    const exited = new Promise<ChildExit>((resolve) => {
      fragile.die = resolve;
    });
    return {
      exited,
      async stop() {
        fragile.stops++;
        fragile.die({ code: 0, signal: null });
      },
    };
  }
  return { fragile, start };
}

test("a crashed service is restarted with growing delays; a stopped one is not", async () => {
  const clock = createFakeClock();
  const notes: string[] = [];
  const { fragile, start } = createFragile();
  const supervised = await supervise({ name: "proxy", start, clock, note: (text) => notes.push(text) });

  fragile.die({ code: null, signal: "SIGKILL" });
  await clock.advance(999);
  expect(fragile.starts).toBe(1);
  await clock.advance(1);
  expect(fragile.starts).toBe(2);
  fragile.die({ code: 1, signal: null });
  await clock.advance(1999);
  expect(fragile.starts).toBe(2);
  await clock.advance(1);
  expect(fragile.starts).toBe(3);
  expect(notes).toEqual([
    "proxy was ended by SIGKILL. Starting it again…",
    "proxy ended with status 1. Starting it again…",
  ]);

  await supervised.stop();
  await clock.advance(100_000);
  expect([fragile.starts, fragile.stops]).toEqual([3, 1]);
});

test("a failed restart is retried", async () => {
  const clock = createFakeClock();
  const notes: string[] = [];
  const { fragile, start } = createFragile();
  const supervised = await supervise({ name: "Redis", start, clock, note: (text) => notes.push(text) });
  fragile.failing = true;
  fragile.die({ code: 1, signal: null });
  await clock.advance(3000);
  expect(notes).toContain("Redis did not start: no space left");
  fragile.failing = false;
  await clock.advance(60_000);
  await waitFor(() => clock.pending === 0, { what: "the restart" });
  expect(fragile.starts).toBe(4);
  await supervised.stop();
});

test("a failed first start is thrown, unless the service is optional", async () => {
  const clock = createFakeClock();
  const { fragile, start } = createFragile();
  fragile.failing = true;
  const note = () => {};
  await expect(supervise({ name: "coderd", start, clock, note })).rejects.toThrow("no space left");
  const optional = await supervise({ name: "provisionerd-1", start, clock, note, optional: true });
  fragile.failing = false;
  await clock.advance(1000);
  expect(fragile.starts).toBe(3);
  await optional.stop();
  expect(fragile.stops).toBe(1);
});
