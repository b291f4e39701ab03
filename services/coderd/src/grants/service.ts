import {
  type Clock,
  createGrants,
  errorMessage,
  type FleetError,
  type Grant,
  type GrantChange,
  type Logger,
} from "@fleet/base";
import { answerAll, type Question } from "./questions.js";
import { type AccessChangeStore, CHANGES_KEPT_MS } from "./store.js";

/** How often each replica polls Postgres for access changes. A revoked stream ends after this and one check. */
export const LOOK_MS = 1_000;
/** A replica that could not poll for this long may have missed changes that are already deleted. */
const GAP_MS = CHANGES_KEPT_MS / 2;

/** The grant by which a stream is open at this replica, with the check whether it still holds. */
export type StreamGrant = Grant & { ask: Question };

export type StreamGrants = {
  /** The time to pass to `hold`: take it before the stream's first authorization check. */
  now(): number;
  /** Watches a stream until the returned function is called. `end` is called once, when its grant ends. */
  hold(grant: StreamGrant, decidedAtMs: number, end: (reason: FleetError) => void): () => void;
  /** Calls the listener for every change this replica sees, until the returned function is called. */
  listen(listener: (change: GrantChange) => void): () => void;
  close(): void;
};

/**
 * Watches all streams open at this replica. Polls Postgres each second for access changes; a stream that depends on one
 * is authorized again, and ended if it could no longer be opened.
 */
export async function startGrants(options: {
  store: AccessChangeStore;
  clock: Clock;
  logger: Logger;
}): Promise<StreamGrants> {
  const { store, clock, logger } = options;
  const listeners = new Set<(change: GrantChange) => void>();
  const grants = createGrants<StreamGrant>({
    clock,
    ask: (due) =>
      answerAll(
        due.map(({ ask }) => ask),
        logger,
      ),
  });
  let { snapshot } = await store.since(undefined);
  let readAtMs = clock.now().getTime();
  let reading = false;

  async function read(): Promise<void> {
    const nowMs = clock.now().getTime();
    const found = await store.since(snapshot);
    const change: GrantChange = nowMs - readAtMs > GAP_MS ? "all" : found.subjects;
    snapshot = found.snapshot;
    readAtMs = nowMs;
    if (change !== "all" && change.length === 0) return;
    grants.changed(change);
    for (const listener of listeners) listener(change);
  }

  async function look(): Promise<void> {
    if (reading) return;
    reading = true;
    await read().catch((error) =>
      logger.debug("could not read access changes", { error: errorMessage(error) }),
    );
    reading = false;
    await grants.look();
  }

  const timer = clock.every(LOOK_MS, () => void look());

  return {
    now: () => clock.now().getTime(),
    hold: grants.hold,
    listen(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    close: () => timer.cancel(),
  };
}
