import { type Clock, isFleetError, RECONNECT, retry } from "@fleet/base";

/** How long a daemon tries to hand in what a job came to. */
export const DELIVER_MS = 3 * 60_000;

/**
 * Calls until coderd has taken the job's end. Rejects when coderd refuses it, when the job is somebody else's, or after
 * DELIVER_MS. coderd keeps the first end that it got, so a call whose answer was lost may be made again.
 */
export async function deliver(call: (signal: AbortSignal) => Promise<unknown>, clock: Clock): Promise<void> {
  const deadline = new AbortController();
  const timer = clock.after(DELIVER_MS, () => deadline.abort());
  try {
    await retry(() => call(deadline.signal), {
      clock,
      policy: { ...RECONNECT, maxMs: 5_000 },
      attempts: Number.POSITIVE_INFINITY,
      signal: deadline.signal,
      retryable: (error) =>
        isFleetError(error, "unavailable", "deadline_exceeded", "internal", "resource_exhausted", "conflict"),
    });
  } finally {
    timer.cancel();
  }
}
