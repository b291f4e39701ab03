import { type Clock, createBackoff, errorMessage, isFleetError, type Logger, RECONNECT } from "@fleet/base";
import type { CoderdClient } from "../coderd-client.js";
import type { JobSource, TakenJob } from "./source.js";

/** How long an answer may take: longer than coderd waits for a job. */
const ANSWER_MS = 30_000;
/** Maximum delay after a failed call. */
const RETRY_MAX_MS = 5_000;

export type RemoteSourceOptions = {
  client: Pick<CoderdClient, "offerJobs">;
  daemonId: string;
  clock: Clock;
  logger: Logger;
};

/**
 * Takes job IDs from coderd, for a daemon that cannot reach Redis. One call at a time waits at coderd for as many jobs as
 * slots are free. Any replica answers it, and an ID that is not claimed is offered again, so that nothing has to be put
 * back.
 */
export function createRemoteSource({ client, daemonId, clock, logger }: RemoteSourceOptions): JobSource {
  const waiters = new Set<(job: TakenJob | undefined) => void>();
  const closing = new AbortController();
  const backoff = createBackoff({ ...RECONNECT, maxMs: RETRY_MAX_MS });
  let watching = false;
  let pumping = false;
  let asking = new AbortController();
  let trouble: string | undefined;

  function isWanted(): boolean {
    return watching && waiters.size > 0 && !closing.signal.aborted;
  }

  async function pump(): Promise<void> {
    if (pumping) return;
    pumping = true;
    while (isWanted()) {
      asking = new AbortController();
      const signal = AbortSignal.any([asking.signal, closing.signal]);
      try {
        const limit = waiters.size;
        const { jobIds } = await client.offerJobs({ daemonId, limit }, { signal, timeoutMs: ANSWER_MS });
        trouble = undefined;
        backoff.reset();
        for (const id of jobIds) give(id);
        // Slots that claim their jobs are not counted as free again.
        await new Promise((resolve) => setImmediate(resolve));
      } catch (error) {
        if (signal.aborted) continue;
        complain(error);
        await clock.sleep(backoff.next(), closing.signal).catch(() => {});
      }
    }
    pumping = false;
  }

  function complain(error: unknown): void {
    const away = isFleetError(error, "unavailable", "deadline_exceeded", "canceled");
    logger.debug("Could not ask coderd for a job.", { error: errorMessage(error) });
    trouble = away ? undefined : `coderd offers no jobs: ${errorMessage(error)}`;
  }

  function give(id: string): void {
    const [next] = waiters;
    next?.({ id, done: async () => {}, putBack: async () => {} });
  }

  /** Ends the call if nobody waits for its answer. */
  function settleUp(): void {
    if (!isWanted()) asking.abort();
  }

  return {
    watch(queues) {
      watching = queues.length > 0;
      settleUp();
      void pump();
    },
    take(signal) {
      return new Promise((resolve) => {
        if (signal.aborted || closing.signal.aborted) return resolve(undefined);
        const settle = (job: TakenJob | undefined) => {
          signal.removeEventListener("abort", onAbort);
          waiters.delete(settle);
          resolve(job);
        };
        const onAbort = () => {
          settle(undefined);
          settleUp();
        };
        signal.addEventListener("abort", onAbort, { once: true });
        waiters.add(settle);
        void pump();
      });
    },
    get trouble() {
      return trouble;
    },
    async close() {
      closing.abort();
      for (const settle of [...waiters]) settle(undefined);
    },
  };
}
