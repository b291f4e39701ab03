import type { Writable } from "node:stream";
import { type BackoffPolicy, type Clock, createBackoff } from "@fleet/base";
import { LIMITS } from "../limits.js";

/** Between two tries; drawn anew each time, so that all that wait do not come at once. */
const BACKOFF: BackoffPolicy = { initialMs: 50, maxMs: 1_000, factor: 2 };

/** What keeps coderd from answering: no connection could be made, it broke before an answer, or coderd said 503. */
export type RepeatReason = "refused" | "reset" | "unavailable";

/** How long one request waits for coderd, over all its tries. */
export type Patience = {
  /**
   * Resolves when it is time for another try, and rejects when the client leaves first, or the proxy ends; undefined when
   * the time is up.
   * `leastMs` is what coderd asked for.
   */
  again(reason: RepeatReason, leastMs?: number): Promise<void> | undefined;
};

export type PatienceOptions = {
  clock: Clock;
  /** The response, or the connection, that closes when the client leaves. */
  client: Writable;
  /** Aborts when the proxy ends. */
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

/** What a 503 says of when to come again, in milliseconds; undefined for every other answer, and where it does not say. */
export function retryAfterMs(response: {
  statusCode?: number | undefined;
  headers: { "retry-after"?: string | undefined };
}): number | undefined {
  const seconds = Number(response.headers["retry-after"] ?? Number.NaN);
  return response.statusCode === 503 && seconds >= 0 ? seconds * 1000 : undefined;
}

const BROKEN_OFF = new Set(["ECONNABORTED", "ECONNRESET", "EPIPE", "ETIMEDOUT"]);

/** Why a request without an answer may be sent again; undefined where coderd's answer was no HTTP, or there was none to make. */
export function reasonOf(error: Error, connected: boolean): RepeatReason | undefined {
  const { code } = error as NodeJS.ErrnoException;
  if (code === undefined) return undefined;
  if (connected) return BROKEN_OFF.has(code) ? "reset" : undefined;
  // Of what fails before there is a connection, only a certificate does not heal by itself.
  return /^(E[A-Z]+|EAI_.*)$/.test(code) ? "refused" : undefined;
}
