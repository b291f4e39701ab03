import { errorMessage } from "@fleet/base";

/** Long enough for a slow machine; a passing test never waits this long. */
export const WAIT_LIMIT_MS = 10_000;
const POLL_MS = 10;

export type WaitOptions = {
  /** Ends the sentence "Waited in vain for …". */
  what: string;
  timeoutMs?: number;
};

/**
 * Calls `probe` until it returns something truthy, and returns that. An error counts as "not yet". Fails with what was
 * awaited and the last error or value.
 */
export async function waitFor<T>(probe: () => T | Promise<T>, options: WaitOptions): Promise<NonNullable<T>> {
  const timeoutMs = options.timeoutMs ?? WAIT_LIMIT_MS;
  const until = performance.now() + timeoutMs;
  for (;;) {
    let last: string;
    let cause: unknown;
    try {
      const value = await probe();
      if (value) return value;
      last = `the last value was ${String(value)}`;
    } catch (error) {
      cause = error;
      last = `the last error was: ${errorMessage(error)}`;
    }
    if (performance.now() >= until) {
      throw new Error(`Waited in vain for ${options.what} (${timeoutMs} ms); ${last}`, { cause });
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
