import { type Clock, errorMessage, type Logger } from "@fleet/base";
import { PENDING_JOBS_CHANNEL } from "../pubsub/channels.js";
import type { Pubsub } from "../pubsub/pubsub.js";
import type { JobStore, Offer } from "./store.js";

/** How long a daemon waits for a job before it asks again. */
export const OFFER_WAIT_MS = 20_000;
/** Polling interval while daemons wait: the maximum delay after a lost message. */
const POLL_MS = 5_000;
/** How long an offered job is not offered to another daemon: enough for a claim over a slow network. */
const HOLD_MS = 2_000;
/** Maximum held jobs; beyond it, a job may be offered twice, and the second claim fails. */
const HELD_JOBS = 10_000;

/**
 * Offers pending jobs to daemons that cannot reach Redis. Like the queue, it hands out hints: jobs are claimed with the
 * same guarded update, so that it does not matter which replica, or which source, a daemon has an ID from.
 */
export type JobOffers = {
  /**
   * Waits up to OFFER_WAIT_MS for jobs that the daemon may run, and returns at most `limit` IDs, oldest first. Empty if
   * there are none, or if the signal aborts.
   */
  wait(daemonId: string, limit: number, signal: AbortSignal): Promise<string[]>;
};

type Waiting = { daemonId: string; limit: number; settle(jobIds: string[]): void };

export function createJobOffers(options: {
  store: Pick<JobStore, "offers">;
  pubsub: Pubsub;
  clock: Clock;
  logger: Logger;
}): JobOffers {
  const { store, pubsub, clock, logger } = options;
  /** By daemon, in the order of arrival: who has waited longest is served first. */
  const waiting = new Map<string, Waiting>();
  /** Job → until when it is held, in order of time. */
  const held = new Map<string, number>();
  let looking = false;
  let again = false;
  let stopWatching: (() => void) | undefined;

  /** Watches for jobs while anybody waits. */
  function watch(): void {
    if (stopWatching) return;
    let stopped = false;
    let stopListening = () => {};
    const poll = clock.every(POLL_MS, () => void look());
    // Without Redis, rely on polling alone.
    pubsub
      .listen(PENDING_JOBS_CHANNEL, () => void look())
      .then(
        (stop) => {
          if (stopped) stop();
          else stopListening = stop;
        },
        () => {},
      );
    stopWatching = () => {
      stopped = true;
      poll.cancel();
      stopListening();
      stopWatching = undefined;
    };
  }

  /** One query at a time for all daemons that wait at this replica, however many messages arrive. */
  async function look(): Promise<void> {
    again = true;
    if (looking) return;
    looking = true;
    try {
      while (again && waiting.size > 0) {
        again = false;
        release();
        const limit = [...waiting.values()].reduce((sum, daemon) => sum + daemon.limit, 0);
        give(await store.offers([...waiting.keys()], [...held.keys()], limit));
      }
    } catch (error) {
      logger.debug("could not look up pending jobs", { error: errorMessage(error) });
    } finally {
      looking = false;
    }
  }

  function release(): void {
    const now = clock.now().getTime();
    for (const [job, until] of held) {
      if (until > now) return;
      held.delete(job);
    }
  }

  function give(offers: readonly Offer[]): void {
    const until = clock.now().getTime() + HOLD_MS;
    for (const daemon of [...waiting.values()]) {
      const mine = offers
        .filter(({ daemonId, jobId }) => daemonId === daemon.daemonId && !held.has(jobId))
        .slice(0, daemon.limit)
        .map(({ jobId }) => jobId);
      if (mine.length === 0) continue;
      if (held.size + mine.length > HELD_JOBS) held.clear();
      for (const jobId of mine) held.set(jobId, until);
      daemon.settle(mine);
    }
  }

  return {
    wait(daemonId, limit, signal) {
      return new Promise((resolve) => {
        if (signal.aborted) return resolve([]);
        // A daemon waits once: if it asks again, its earlier call is forgotten.
        waiting.get(daemonId)?.settle([]);
        const end = () => daemon.settle([]);
        const timer = clock.after(OFFER_WAIT_MS, end);
        const daemon: Waiting = {
          daemonId,
          limit,
          settle(jobIds) {
            timer.cancel();
            signal.removeEventListener("abort", end);
            if (waiting.get(daemonId) === daemon) waiting.delete(daemonId);
            if (waiting.size === 0) stopWatching?.();
            resolve(jobIds);
          },
        };
        signal.addEventListener("abort", end, { once: true });
        waiting.set(daemonId, daemon);
        watch();
        void look();
      });
    },
  };
}
