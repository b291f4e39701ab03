import { type Clock, createBackoff, errorMessage, FleetError } from "@fleet/base";
import type { ChildExit } from "@fleet/embedded";

/** A process that runs until it is stopped or crashes. */
export type Running = {
  readonly exited: Promise<ChildExit>;
  stop(): Promise<void>;
};

export type SuperviseOptions = {
  name: string;
  /** Starts it; resolves once it is ready. */
  start(): Promise<Running>;
  clock: Clock;
  note(text: string): void;
  /** If the first start fails, continue without it and keep trying. */
  optional?: boolean;
};

export type Supervised = { stop(): Promise<void> };

/** Restart delay: from one second up to half a minute while it keeps crashing. */
const RESTARTS = { initialMs: 1000, maxMs: 30_000, factor: 2 };
/** After running this long, a crash counts as the first. */
const HEALTHY_AFTER_MS = 60_000;

/**
 * Starts it, and restarts it whenever it crashes, until stopped. If the first start fails, rejects unless it is
 * optional: the configuration is wrong, and retrying would not help.
 */
export async function supervise(options: SuperviseOptions): Promise<Supervised> {
  const { name, clock, note } = options;
  const backoff = createBackoff(RESTARTS, () => 0);
  const stopping = new AbortController();
  let running = await startFirst();

  async function startFirst(): Promise<Running | undefined> {
    try {
      return await options.start();
    } catch (error) {
      if (!options.optional) throw error;
      note(`${name} did not start: ${errorMessage(error)}`);
      return undefined;
    }
  }

  async function watch(): Promise<void> {
    running ??= await restart();
    while (running && !stopping.signal.aborted) {
      const startedAt = clock.now().getTime();
      const exit = await running.exited;
      running = undefined;
      if (stopping.signal.aborted) return;
      if (clock.now().getTime() - startedAt > HEALTHY_AFTER_MS) backoff.reset();
      note(`${name} ${describe(exit)}. Starting it again…`);
      running = await restart();
    }
  }

  async function restart(): Promise<Running | undefined> {
    while (!stopping.signal.aborted) {
      try {
        await clock.sleep(backoff.next(), stopping.signal);
        return await options.start();
      } catch (error) {
        if (!stopping.signal.aborted) note(`${name} did not start: ${errorMessage(error)}`);
      }
    }
    return undefined;
  }

  const watching = watch();
  return {
    async stop() {
      stopping.abort();
      await running?.stop();
      await watching;
      // A start was in progress when we were stopped.
      await running?.stop();
    },
  };
}

export function describe({ code, signal }: ChildExit): string {
  if (signal) return `was ended by ${signal}`;
  return code === null ? "could not be started" : `ended with status ${code}`;
}

/** Polls until it responds with success, the process exits, or the timeout expires. */
export async function waitUntilReady(options: {
  name: string;
  url: string;
  exited: Promise<ChildExit>;
  lastWords(): string;
  timeoutMs: number;
  clock: Clock;
  signal: AbortSignal;
}): Promise<void> {
  const { name, url, clock, signal } = options;
  let ended: ChildExit | undefined;
  void options.exited.then((exit) => {
    ended = exit;
  });
  const until = clock.now().getTime() + options.timeoutMs;
  let reason = "it did not answer";
  while (!ended && clock.now().getTime() < until) {
    const response = await fetch(url, { signal: AbortSignal.any([signal, AbortSignal.timeout(2000)]) }).catch(
      () => undefined,
    );
    if (response?.ok) return void (await response.body?.cancel());
    if (response) reason = (await response.text()).trim().slice(0, 300) || `status ${response.status}`;
    await clock.sleep(100, signal);
  }
  const what = ended ? describe(ended) : `is not ready after ${options.timeoutMs / 1000} s: ${reason}`;
  throw new FleetError("unavailable", `${name} ${what}. Last output:`, {
    detail: options.lastWords(),
  });
}
