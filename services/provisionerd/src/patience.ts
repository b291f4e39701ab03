import { abortError, type Clock, isFleetError, RECONNECT, retry } from "@fleet/base";

/** How long a daemon retries calls to coderd that a job needs; longer than a restart of coderd takes. */
export const PATIENCE_MS = 3 * 60_000;

/**
 * Retries a call to coderd until it is answered. Rejects if coderd refuses it, if `signal` aborts, or after
 * PATIENCE_MS. Only for calls that are safe to repeat.
 */
export async function untilAnswered<T>(
  call: (signal: AbortSignal) => Promise<T>,
  { clock, signal, limitMs = PATIENCE_MS }: { clock: Clock; signal?: AbortSignal; limitMs?: number },
): Promise<T> {
  const ended = new AbortController();
  const onAbort = () => ended.abort(abortError(signal!));
  if (signal?.aborted) onAbort();
  else signal?.addEventListener("abort", onAbort, { once: true });
  const timer = clock.after(limitMs, () => ended.abort());
  try {
    return await retry(() => call(ended.signal), {
      clock,
      policy: { ...RECONNECT, maxMs: 5_000 },
      attempts: Number.POSITIVE_INFINITY,
      signal: ended.signal,
      retryable: (error) =>
        !ended.signal.aborted &&
        isFleetError(error, "unavailable", "deadline_exceeded", "internal", "resource_exhausted", "conflict"),
    });
  } finally {
    timer.cancel();
    signal?.removeEventListener("abort", onAbort);
  }
}
