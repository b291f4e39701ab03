import type { Clock } from "./clock.js";

/** How long to wait between tries, in milliseconds. */
export type BackoffPolicy = { initialMs: number; maxMs: number; factor: number };

export const RECONNECT: BackoffPolicy = { initialMs: 100, maxMs: 10_000, factor: 2 };

/**
 * Delays that grow by the factor up to the maximum, with full jitter: each is drawn uniformly from (0, limit], so that
 * a thousand agents that lost one server do not reconnect at the same moment.
 */
export type Backoff = { next(): number; reset(): void };

export function createBackoff(policy: BackoffPolicy, random: () => number = Math.random): Backoff {
  let limit = policy.initialMs;
  return {
    next() {
      const delay = Math.max(1, Math.round((1 - random()) * limit));
      limit = Math.min(policy.maxMs, limit * policy.factor);
      return delay;
    },
    reset() {
      limit = policy.initialMs;
    },
  };
}

export type RetryOptions = {
  clock: Clock;
  policy?: BackoffPolicy;
  /** Total tries, including the first. */
  attempts: number;
  signal?: AbortSignal;
  /** True for an error worth retrying. */
  retryable(error: unknown): boolean;
  onRetry?(error: unknown, delayMs: number): void;
};

/** Calls `operation` until it succeeds, tries run out, the error is not retryable, or the signal aborts. */
export async function retry<T>(operation: () => Promise<T>, options: RetryOptions): Promise<T> {
  const backoff = createBackoff(options.policy ?? RECONNECT);
  for (let attempt = 1; ; attempt++) {
    try {
      return await operation();
    } catch (error) {
      if (attempt >= options.attempts || !options.retryable(error)) throw error;
      const delayMs = backoff.next();
      options.onRetry?.(error, delayMs);
      await options.clock.sleep(delayMs, options.signal);
    }
  }
}
