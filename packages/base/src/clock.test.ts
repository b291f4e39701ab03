import { systemClock } from "./clock.js";

// ECMAScript modules import jest's own object from here.
const timers = (import.meta as unknown as { jest: typeof jest }).jest;
beforeEach(() => void timers.useFakeTimers());
afterEach(() => void timers.useRealTimers());

const DAY_MS = 24 * 3_600_000;

test("a wait longer than Node's timers support ends on time", async () => {
  let fired = 0;
  systemClock.after(60 * DAY_MS, () => fired++);
  let slept = false;
  void systemClock.sleep(60 * DAY_MS).then(() => {
    slept = true;
  });
  await timers.advanceTimersByTimeAsync(60 * DAY_MS - 1);
  expect({ fired, slept }).toEqual({ fired: 0, slept: false });
  await timers.advanceTimersByTimeAsync(1);
  expect({ fired, slept }).toEqual({ fired: 1, slept: true });
});

test("an interval of that length repeats until canceled", async () => {
  let fired = 0;
  const timer = systemClock.every(30 * DAY_MS, () => fired++);
  await timers.advanceTimersByTimeAsync(95 * DAY_MS);
  expect(fired).toBe(3);
  timer.cancel();
  await timers.advanceTimersByTimeAsync(60 * DAY_MS);
  expect(fired).toBe(3);
});

test("a canceled long wait never fires, whichever step it is in", async () => {
  let fired = 0;
  const timer = systemClock.after(60 * DAY_MS, () => fired++);
  await timers.advanceTimersByTimeAsync(40 * DAY_MS);
  timer.cancel();
  await timers.advanceTimersByTimeAsync(60 * DAY_MS);
  expect(fired).toBe(0);
});
