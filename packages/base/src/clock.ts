import { abortError } from "./abort.js";

/** A timer that can be called off; calling off twice is harmless. */
export type Timer = { cancel(): void };

/** Time as a dependency, so that a test decides when it passes. */
export type Clock = {
  now(): Date;
  /** Runs `callback` once after `ms` milliseconds. The timer does not keep the process alive. */
  after(ms: number, callback: () => void): Timer;
  /** Runs `callback` each `ms` milliseconds until called off. The timer does not keep the process alive. */
  every(ms: number, callback: () => void): Timer;
  /** Resolves after `ms` milliseconds; rejects with the signal's reason when it aborts first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
};

export const systemClock: Clock = {
  now: () => new Date(),
  after(ms, callback) {
    const timer = setTimeout(callback, ms);
    timer.unref();
    return { cancel: () => clearTimeout(timer) };
  },
  every(ms, callback) {
    const timer = setInterval(callback, ms);
    timer.unref();
    return { cancel: () => clearInterval(timer) };
  },
  sleep(ms, signal) {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(abortError(signal));
      const onAbort = () => {
        clearTimeout(timer);
        reject(abortError(signal!));
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener("abort", onAbort);
        resolve();
      }, ms);
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  },
};
