import { type BackoffPolicy, createBackoff, systemClock } from "@fleet/base";

export type RetryOptions = {
  /** The time limit of one call including retries, milliseconds. No retry starts after it. */
  limitMs: number;
  /** Called once per call, if it has to be retried. */
  onRetry?(): void;
};

/** Delay between tries, with jitter, so that the clients of a replica that died do not all return at once. */
const BACKOFF: BackoffPolicy = { initialMs: 50, maxMs: 1_000, factor: 2 };
/** The deployment, or a proxy in front of it, has no backend to respond. */
const PASSING_STATUSES: ReadonlySet<number> = new Set([502, 503, 504]);
/** No connection was established: nothing was sent. */
const REFUSED: ReadonlySet<string> = new Set(["ECONNREFUSED", "UND_ERR_CONNECT_TIMEOUT"]);
/** A connection broke before the response: the request may have been carried out. */
const BROKEN: ReadonlySet<string> = new Set(["ECONNRESET", "EPIPE", "ETIMEDOUT", "UND_ERR_SOCKET"]);

/**
 * Calls `send` until it gets a response from the deployment itself. A `repeatable` request is retried after
 * every transient failure; any other only if no connection could be established.
 */
export async function sendPatiently(
  send: () => Promise<Response>,
  options: RetryOptions & { repeatable: boolean; signal: AbortSignal | undefined },
): Promise<Response> {
  const { limitMs, repeatable, signal } = options;
  const backoff = createBackoff(BACKOFF);
  const endsAt = performance.now() + limitMs;
  for (let first = true; ; first = false) {
    const delayMs = backoff.next();
    const last = performance.now() + delayMs > endsAt;
    try {
      const response = await send();
      if (last || !repeatable || !PASSING_STATUSES.has(response.status)) return response;
      await response.body?.cancel();
    } catch (error) {
      const passes = isAmong(error, REFUSED) || (repeatable && (isAmong(error, BROKEN) || isWordless(error)));
      if (last || !passes || signal?.aborted) throw error;
    }
    if (first) options.onRetry?.();
    await systemClock.sleep(delayMs, signal);
  }
}

/** A fresh Idempotency-Key. `crypto.randomUUID` is not available on pages loaded over plain HTTP. */
export function randomKey(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))]
    .map((byte) => byte.toString(16).padStart(2, "0"))
    .join("");
}

/** fetch hides the system's error one or two causes deep. */
function isAmong(error: unknown, codes: ReadonlySet<string>): boolean {
  if (typeof error !== "object" || error === null) return false;
  const { code, cause, errors } = error as { code?: unknown; cause?: unknown; errors?: unknown[] };
  if (typeof code === "string" && codes.has(code)) return true;
  return isAmong(cause, codes) || (errors ?? []).some((inner) => isAmong(inner, codes));
}

/** A browser does not say why there was no response. */
function isWordless(error: unknown): boolean {
  return error instanceof TypeError && error.cause === undefined && "document" in globalThis;
}
