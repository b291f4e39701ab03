import {
  type BackoffPolicy,
  type Clock,
  createBackoff,
  errorMessage,
  isFleetError,
  type Logger,
  RECONNECT,
} from "@fleet/base";

/** Between tries with a rejected token: an agent may start before its build has ended and its token is known. */
const REFUSED: BackoffPolicy = { initialMs: 500, maxMs: 15_000, factor: 1.5 };
/** A session that lasted this long resets the backoff, in milliseconds. */
const STABLE_MS = 10_000;

export type ReconnectOptions = {
  /** For log lines: `control plane`. */
  name: string;
  /** Connects and stays connected. Resolves or rejects when the connection ends. */
  session(signal: AbortSignal): Promise<void>;
  clock: Clock;
  logger: Logger;
  signal: AbortSignal;
  random?: () => number;
};

/** Runs sessions one after another until the signal aborts, with growing, jittered pauses after each short one. */
export async function keepConnected(options: ReconnectOptions): Promise<void> {
  const { name, session, clock, logger, signal, random } = options;
  const transient = createBackoff(RECONNECT, random);
  const refused = createBackoff(REFUSED, random);
  while (!signal.aborted) {
    const startedAt = clock.now().getTime();
    let failure: unknown;
    try {
      await session(signal);
    } catch (error) {
      failure = error;
    }
    if (signal.aborted) return;
    const lastedMs = clock.now().getTime() - startedAt;
    const wasRefused = isFleetError(failure, "unauthenticated", "permission_denied");
    if (!wasRefused) refused.reset();
    if (lastedMs >= STABLE_MS) transient.reset();
    const delayMs = (wasRefused ? refused : transient).next();
    const reason = failure === undefined ? "the connection ended" : errorMessage(failure);
    logger.warn(`The ${name} is not connected; retrying.`, { reason, delayMs });
    try {
      await clock.sleep(delayMs, signal);
    } catch {
      return;
    }
  }
}
