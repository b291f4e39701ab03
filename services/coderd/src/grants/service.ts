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

/** How often each replica asks Postgres what has changed: what is revoked ends so soon, and a question later. */
export const LOOK_MS = 1_000;
/** A replica that could not ask for so long may have missed changes that are deleted already. */
const GAP_MS = CHANGES_KEPT_MS / 2;

/** The right by which a stream is open at this replica, and how to find out whether it still holds. */
export type StreamGrant = Grant & { ask: Question };

export type StreamGrants = {
  /** The time to hand to `hold`: to be taken before the first question of the stream's authorization. */
  now(): number;
  /** Keeps a stream under watch until the returned function is called. `end` is called once, when its grant ends. */
  hold(grant: StreamGrant, decidedAtMs: number, end: (reason: FleetError) => void): () => void;
  /** Tells of every change that this replica hears of, until the returned function is called. */
  listen(listener: (change: GrantChange) => void): () => void;
  close(): void;
};

/**
 * Everything that is open at this replica and rests on somebody's right. Postgres is asked each second what has changed;
 * a stream that rests on it is authorized again, and ended when it would not be opened any more.
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
