import fc from "fast-check";
import { ReceiveWindow, type WindowContext } from "./window.js";

const KIB = 1024;
const MIB = 1024 * KIB;

function context(rttMs: number, growth = 32 * MIB) {
  let nowMs = 0;
  const window: WindowContext = {
    limits: { initialWindow: 256 * KIB, maxWindow: 8 * MIB },
    baseRttMs: () => rttMs,
    now: () => nowMs,
    growth: { left: growth },
  };
  return { window, advance: (ms: number) => (nowMs += ms) };
}

test("the peer's remaining credit and the unread bytes together never exceed the window", () => {
  const steps = fc.array(
    fc.record({
      receive: fc.nat(400 * KIB),
      read: fc.double({ min: 0, max: 1, noNaN: true }),
      ms: fc.nat(50),
    }),
    { maxLength: 100 },
  );
  fc.assert(
    fc.property(steps, fc.nat(100), fc.nat(16 * MIB), (script, rttMs, growth) => {
      const { window: shared, advance } = context(rttMs, growth);
      const window = new ReceiveWindow(shared);
      let allowed = 256 * KIB; // what the peer may still send
      let unread = 0;
      let widest = 256 * KIB; // a window that shrank waits for what was granted before
      for (const { receive, read, ms } of script) {
        advance(ms);
        const bytes = Math.min(receive, allowed); // an honest peer
        allowed -= bytes;
        unread += bytes;
        expect(window.receive(bytes)).toBe(true);
        unread -= Math.floor(unread * read);
        allowed += window.consume(unread);
        widest = Math.max(widest, window.size);
        expect(allowed + unread).toBeLessThanOrEqual(widest);
        expect(window.size).toBeGreaterThanOrEqual(256 * KIB);
        expect(window.size).toBeLessThanOrEqual(Math.min(8 * MIB, 256 * KIB + growth));
        expect(shared.growth.left).toBe(growth - (window.size - 256 * KIB));
        // A reader that took everything never leaves the peer without credit: no deadlock.
        if (unread === 0) expect(allowed).toBeGreaterThan(0);
      }
      window.release();
      expect(shared.growth.left).toBe(growth);
    }),
  );
});

test("a peer that exceeds its credit is detected at the first byte", () => {
  const window = new ReceiveWindow(context(1).window);
  expect(window.receive(256 * KIB)).toBe(true);
  expect(window.receive(1)).toBe(false);
});

/** Lets a peer send at the rate, held back by the window alone, and returns the window it ends with. */
function settle(rttMs: number, bytesPerMs: number, growth?: number): number {
  const { window: shared, advance } = context(rttMs, growth);
  const window = new ReceiveWindow(shared);
  for (let turn = 0; turn < 200; turn++) {
    const bytes = Math.floor(window.size / 2);
    advance(Math.max(bytes / bytesPerMs, rttMs / 2)); // half a window takes half a round trip, or longer at the rate
    window.receive(bytes);
    window.consume(0);
  }
  return window.size;
}

test("the window grows to the bandwidth-delay product and no further", () => {
  expect(settle(20, 100_000)).toBeGreaterThanOrEqual(2_000_000);
  expect(settle(20, 100_000)).toBeLessThanOrEqual(4 * MIB);
  expect(settle(100, 1_000_000)).toBe(8 * MIB);
  expect(settle(0.1, 100_000)).toBe(256 * KIB);
  expect(settle(0.1, 600_000)).toBe(1_200_000); // a short path: 2 ms at the rate
  expect(settle(100, 1_000_000, 100 * KIB)).toBe(356 * KIB);
});

test("the window shrinks when the stream becomes slow", () => {
  const { window: shared, advance } = context(50);
  const window = new ReceiveWindow(shared);
  for (let turn = 0; turn < 20; turn++) {
    advance(25);
    window.receive(Math.floor(window.size / 2));
    window.consume(0);
  }
  expect(window.size).toBe(8 * MIB);
  for (let turn = 0; turn < 20; turn++) {
    advance(60_000);
    window.receive(Math.floor(window.size / 2));
    window.consume(0);
  }
  expect(window.size).toBe(256 * KIB);
});
