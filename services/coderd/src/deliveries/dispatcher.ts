import { randomUUID } from "node:crypto";
import { abortError, type Clock, errorMessage, type Logger } from "@fleet/base";
import { type Outcome, pauseAfter, stateAfter } from "./status.js";
import type { DeliveryResult, DeliveryStore, LeasedDelivery } from "./store.js";

/** How messages of one kind leave the deployment. */
export type Channel = {
  /** The destination, or its part before the colon. */
  name: string;
  /** Messages that one replica sends to one destination at the same time. */
  parallel: number;
  /**
   * Sends the message. Any error leads to another attempt, except DeliveryRefused.
   * The signal aborts at the time limit; what is sent after that is not known about.
   */
  send(message: LeasedDelivery, signal: AbortSignal): Promise<void>;
  /** While true, messages wait. */
  paused?(): Promise<boolean>;
  /** How long to wait after a failure, if messages wait for their receiver however long it is away. Milliseconds. */
  patienceMs?: number;
};

/** No further attempt can succeed: the message is dead. */
export class DeliveryRefused extends Error {
  override readonly name = "DeliveryRefused";
}

export type DispatcherSettings = {
  maxAttempts: number;
  retryIntervalMs: number;
  /** How often each replica looks for messages that another one stored, or that are due again. */
  fetchIntervalMs: number;
  leaseMs: number;
  /** Messages that a replica leases in one statement. */
  leaseCount: number;
  /** Time limit of an attempt. */
  timeoutMs: number;
  /** How often results that could not be stored are tried again. */
  syncIntervalMs: number;
  /** While this many results are not stored, nothing more is sent. */
  syncBuffer: number;
};

/** Called at the end of each attempt. */
export type OnAttempt = (destination: string, outcome: Outcome["type"], seconds: number) => void;

export type DispatcherOptions = {
  store: Pick<DeliveryStore, "dueDestinations" | "lease" | "record">;
  channels: readonly Channel[];
  settings: DispatcherSettings;
  clock: Clock;
  logger: Logger;
  onAttempt?: OnAttempt;
  random?: () => number;
};

/** Sends messages. Every replica has one; leases keep two from sending the same message. */
export type Dispatcher = {
  /** Looks for messages at once. */
  wake(): void;
  /** Gives running attempts a moment, aborts the rest and releases their messages. */
  close(): Promise<void>;
};

/** Destinations that one replica serves at the same time. */
const MAX_DESTINATIONS = 200;
/** How long shutdown waits for attempts. */
const CLOSE_MS = 3_000;
/** Maximum stored length of a reason. */
const REASON_LENGTH = 1_000;

/** What one destination is doing. It never waits for another one. */
type Lane = { running: Map<string, Promise<void>>; leasing: boolean; again: boolean };

export function startDispatcher(options: DispatcherOptions): Dispatcher {
  const { store, settings, clock, logger, random = Math.random } = options;
  const channels = new Map(options.channels.map((channel) => [channel.name, channel]));
  const lanes = new Map<string, Lane>();
  const leaseId = randomUUID();
  const stop = new AbortController();
  /** Results that are not stored yet, by message. */
  const unstored = new Map<string, DeliveryResult>();
  let looking = false;
  let lookAgain = false;
  let closed = false;

  async function look(): Promise<void> {
    if (closed) return;
    if (looking) {
      lookAgain = true;
      return;
    }
    looking = true;
    try {
      do {
        lookAgain = false;
        for (const destination of await store.dueDestinations(clock.now(), MAX_DESTINATIONS)) {
          const channel = channels.get(destination.split(":", 1)[0]!);
          if (channel) void fill(destination, channel);
        }
      } while (lookAgain && !closed);
    } catch (error) {
      logger.warn("could not look for messages to send", { error: errorMessage(error) });
    } finally {
      looking = false;
    }
  }

  /** Leases as many messages as the destination has room for, and again whenever one has ended. */
  async function fill(destination: string, channel: Channel): Promise<void> {
    const lane = lanes.get(destination) ?? { running: new Map(), leasing: false, again: false };
    lanes.set(destination, lane);
    lane.again = true;
    if (lane.leasing) return;
    lane.leasing = true;
    try {
      while (lane.again && !closed) {
        lane.again = false;
        const room = Math.min(channel.parallel - lane.running.size, settings.leaseCount);
        if (room <= 0 || unstored.size >= settings.syncBuffer || (await channel.paused?.())) break;
        const { leaseMs, maxAttempts } = settings;
        const lease = { destination, take: room, leaseId, leaseMs, maxAttempts };
        const taken = await store.lease(lease, [...lane.running.keys(), ...unstored.keys()], clock.now());
        for (const message of taken) begin(message, lane, channel);
      }
    } catch (error) {
      logger.warn("could not lease messages", { destination, error: errorMessage(error) });
    } finally {
      lane.leasing = false;
      if (lane.running.size === 0) lanes.delete(destination);
    }
  }

  function begin(message: LeasedDelivery, lane: Lane, channel: Channel): void {
    const attempt = deliver(message, channel).finally(() => {
      lane.running.delete(message.id);
      void fill(message.destination, channel);
    });
    lane.running.set(message.id, attempt);
  }

  async function deliver(message: LeasedDelivery, channel: Channel): Promise<void> {
    const started = performance.now();
    const outcome = await attempt(message, channel);
    options.onAttempt?.(message.destination, outcome.type, (performance.now() - started) / 1_000);
    const now = clock.now();
    const { patienceMs } = channel;
    const pauseMs =
      outcome.type === "failed"
        ? (patienceMs ?? pauseAfter(message.attempts, settings.retryIntervalMs, random))
        : 0;
    const maxAttempts = patienceMs === undefined ? settings.maxAttempts : Number.POSITIVE_INFINITY;
    const state = stateAfter(outcome, message.attempts, maxAttempts);
    const reason = "reason" in outcome ? outcome.reason.slice(0, REASON_LENGTH) : "";
    const { id, destination, subject, attempts } = message;
    if (state === "dead")
      logger.warn("message was not delivered", { id, destination, subject, attempts, reason });
    else if (reason)
      logger.debug("message will be sent again", { id, destination, subject, attempts, reason });
    const uncounted = outcome.type === "released" || (patienceMs !== undefined && outcome.type === "failed");
    unstored.set(id, { id, state, reason, dueAt: new Date(now.getTime() + pauseMs), uncounted });
    await sync([id]);
  }

  async function attempt(message: LeasedDelivery, channel: Channel): Promise<Outcome> {
    if (message.expiresAt && message.expiresAt <= clock.now())
      return { type: "refused", reason: "It expired before it could be sent." };
    const abort = new AbortController();
    const seconds = settings.timeoutMs / 1_000;
    const limit = clock.after(settings.timeoutMs, () =>
      abort.abort(new Error(`No response within ${seconds} s.`)),
    );
    const stopped = () => abort.abort(stop.signal.reason);
    stop.signal.addEventListener("abort", stopped, { once: true });
    if (stop.signal.aborted) stopped();
    // Not every sender obeys the signal at once.
    const { promise: aborted, reject } = Promise.withResolvers<never>();
    abort.signal.addEventListener("abort", () => reject(abortError(abort.signal)), { once: true });
    aborted.catch(() => {});
    try {
      const sending = channel.send(message, abort.signal);
      sending.catch(() => {});
      await Promise.race([sending, aborted]);
      return { type: "sent" };
    } catch (error) {
      if (stop.signal.aborted) return { type: "released" };
      return { type: error instanceof DeliveryRefused ? "refused" : "failed", reason: reasonOf(error) };
    } finally {
      limit.cancel();
      stop.signal.removeEventListener("abort", stopped);
    }
  }

  /** Stores results. What Postgres does not take is tried again later, so that nothing is sent twice without need. */
  async function sync(ids: readonly string[]): Promise<void> {
    const results = ids.flatMap((id) => unstored.get(id) ?? []);
    if (results.length === 0) return;
    try {
      await store.record(results, leaseId, clock.now());
      for (const { id } of results) unstored.delete(id);
    } catch (error) {
      logger.warn("could not store results of messages", {
        count: results.length,
        error: errorMessage(error),
      });
    }
  }

  const timers = [
    clock.every(settings.fetchIntervalMs, () => void look()),
    clock.every(settings.syncIntervalMs, () => {
      if (unstored.size > 0) void sync([...unstored.keys()]).then(look);
    }),
  ];
  void look();
  return {
    wake: () => void look(),
    async close() {
      closed = true;
      for (const timer of timers) timer.cancel();
      const running = () => Promise.all([...lanes.values()].flatMap(({ running }) => [...running.values()]));
      const done = new AbortController();
      await Promise.race([running(), clock.sleep(CLOSE_MS, done.signal).catch(() => {})]);
      done.abort();
      stop.abort(new Error("The replica is shutting down."));
      await running();
    },
  };
}

function reasonOf(error: unknown): string {
  const message = errorMessage(error);
  const cause = error instanceof Error && error.cause ? ` (${errorMessage(error.cause)})` : "";
  return `${message}${cause}`;
}
