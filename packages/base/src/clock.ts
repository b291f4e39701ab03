import { abortError } from "./abort.js";

/** A timer that can be canceled; canceling twice is harmless. */
export type Timer = { cancel(): void };

/** Time as a dependency, so that tests control it. */
export type Clock = {
  now(): Date;
  /** Runs `callback` once after `ms` milliseconds. The timer does not keep the process alive. */
  after(ms: number, callback: () => void): Timer;
  /** Runs `callback` every `ms` milliseconds until canceled. The timer does not keep the process alive. */
  every(ms: number, callback: () => void): Timer;
  /** Resolves after `ms` milliseconds; rejects with the signal's reason when it aborts first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
};

/** The longest delay of Node's timers, in milliseconds: beyond it they fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Node's `setTimeout` without its limit on the delay. Returns a function that cancels it. */
function timeout(ms: number, callback: () => void, unref: boolean): Timer {
  let timer: NodeJS.Timeout;
  const wait = (leftMs: number) => {
    const step = Math.min(leftMs, MAX_TIMER_MS);
    timer = setTimeout(() => (leftMs > step ? wait(leftMs - step) : callback()), step);
    if (unref) timer.unref();
  };
  wait(ms);
  return { cancel: () => clearTimeout(timer) };
}

export const systemClock: Clock = {
  now: () => new Date(),
  after: (ms, callback) => timeout(ms, callback, true),
  every(ms, callback) {
    if (ms <= MAX_TIMER_MS) {
      const timer = setInterval(callback, ms);
      timer.unref();
      return { cancel: () => clearInterval(timer) };
    }
    let timer: Timer;
    const again = () => {
      timer = timeout(ms, again, true);
      callback();
    };
    timer = timeout(ms, again, true);
    return { cancel: () => timer.cancel() };
  },
  sleep(ms, signal) {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(abortError(signal));
      const onAbort = () => {
        timer.cancel();
        reject(abortError(signal!));
      };
      const timer = timeout(
        ms,
        () => {
          signal?.removeEventListener("abort", onAbort);
          resolve();
        },
        false,
      );
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  },
};
