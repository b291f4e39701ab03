import { type BackoffPolicy, createBackoff, systemClock } from "@fleet/base";

export type RetryOptions = {
  /** How long one call may take over all its tries, milliseconds. No further try begins after that. */
  limitMs: number;
  /** Called once a call, when it has to be tried again. */
  onRetry?(): void;
};

/** Between two tries; drawn anew each time, so that all clients of a replica that died do not come at once. */
const BACKOFF: BackoffPolicy = { initialMs: 50, maxMs: 1_000, factor: 2 };
/** What stands before the deployment, or the deployment itself, has nobody to answer. */
const PASSING_STATUSES: ReadonlySet<number> = new Set([502, 503, 504]);
/** No connection was made: nothing was sent. */
const REFUSED: ReadonlySet<string> = new Set(["ECONNREFUSED", "UND_ERR_CONNECT_TIMEOUT"]);
/** A connection broke before the answer: the request may have been carried out. */
const BROKEN: ReadonlySet<string> = new Set(["ECONNRESET", "EPIPE", "ETIMEDOUT", "UND_ERR_SOCKET"]);

/**
 * Calls `send` until it has an answer that is the deployment's own. A request that is `repeatable` is sent again after
 * every failure that passes; any other only where no connection could be made.
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

/** A fresh Idempotency-Key. `crypto.randomUUID` is not there on pages that came by plain HTTP. */
export function randomKey(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))]
    .map((byte) => byte.toString(16).padStart(2, "0"))
    .join("");
}

/** fetch hides the system's word one or two causes deep. */
function isAmong(error: unknown, codes: ReadonlySet<string>): boolean {
  if (typeof error !== "object" || error === null) return false;
  const { code, cause, errors } = error as { code?: unknown; cause?: unknown; errors?: unknown[] };
  if (typeof code === "string" && codes.has(code)) return true;
  return isAmong(cause, codes) || (errors ?? []).some((inner) => isAmong(inner, codes));
}

/** A browser does not tell why no answer came. */
function isWordless(error: unknown): boolean {
  return error instanceof TypeError && error.cause === undefined && "document" in globalThis;
}
