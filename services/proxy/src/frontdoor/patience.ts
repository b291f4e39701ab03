import type { Writable } from "node:stream";
import { type BackoffPolicy, type Clock, createBackoff } from "@fleet/base";
import { LIMITS } from "../limits.js";

/** Delay between attempts, randomized each time so that waiting requests do not retry at once. */
const BACKOFF: BackoffPolicy = { initialMs: 50, maxMs: 1_000, factor: 2 };

/** Why coderd did not answer: connection refused, connection lost before a response, or 503. */
export type RepeatReason = "refused" | "reset" | "unavailable";

/** How long one request waits for coderd, over all attempts. */
export type Patience = {
  /**
   * Resolves when it is time for another attempt; rejects if the client disconnects or the proxy shuts down first;
   * undefined when the time is up.
   * `leastMs` is the delay that coderd asked for.
   */
  again(reason: RepeatReason, leastMs?: number): Promise<void> | undefined;
};

export type PatienceOptions = {
  clock: Clock;
  /** The response or connection that closes when the client disconnects. */
  client: Writable;
  /** Aborts when the proxy shuts down. */
  closing: AbortSignal;
  onRepeat(reason: RepeatReason): void;
};

export function createPatience({ clock, client, closing, onRepeat }: PatienceOptions): Patience {
  const backoff = createBackoff(BACKOFF);
  const endsAt = clock.now().getTime() + LIMITS.coderdPatienceMs;
  return {
    again(reason, leastMs = 0) {
      const delayMs = leastMs + backoff.next();
      if (closing.aborted || client.destroyed || clock.now().getTime() + delayMs > endsAt) return undefined;
      const gone = new AbortController();
      const onClose = () => gone.abort();
      client.once("close", onClose);
      return clock
        .sleep(delayMs, AbortSignal.any([gone.signal, closing]))
        .then(() => onRepeat(reason))
        .finally(() => client.off("close", onClose));
    },
  };
}

/** `Retry-After` of a 503 in milliseconds; undefined for other responses, and without the header. */
export function retryAfterMs(response: {
  statusCode?: number | undefined;
  headers: { "retry-after"?: string | undefined };
}): number | undefined {
  const seconds = Number(response.headers["retry-after"] ?? Number.NaN);
  return response.statusCode === 503 && seconds >= 0 ? seconds * 1000 : undefined;
}

const BROKEN_OFF = new Set(["ECONNABORTED", "ECONNRESET", "EPIPE", "ETIMEDOUT"]);

/**
 * Why a request without a response may be retried; undefined if coderd's response was not valid HTTP, or none was due.
 */
export function reasonOf(error: Error, connected: boolean): RepeatReason | undefined {
  const { code } = error as NodeJS.ErrnoException;
  if (code === undefined) return undefined;
  if (connected) return BROKEN_OFF.has(code) ? "reset" : undefined;
  // Of all errors before a connection is established, only an invalid certificate is permanent.
  return /^(E[A-Z]+|EAI_.*)$/.test(code) ? "refused" : undefined;
}
