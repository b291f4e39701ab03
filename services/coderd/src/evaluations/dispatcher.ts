import { randomUUID } from "node:crypto";
import { abortError, type Clock, errorMessage, FleetError, type Logger } from "@fleet/base";
import { covers, formatTags, isUntagged, type Tags } from "../provisionerjobs/tags.js";
import type { Evaluation, EvaluationAsk } from "./evaluation.js";
import type { Offer, Outcome, Relay } from "./relay.js";
import type { EvaluationFacts, EvaluationStore } from "./store.js";

/** An evaluation with all that a daemon needs for it. */
export type EvaluationWork = { id: string; facts: EvaluationFacts; ask: EvaluationAsk; timeoutMs: number };

/** A daemon whose session this replica holds. */
export type EvaluatingDaemon = {
  organizationId: string;
  provisioners: readonly string[];
  tags: Tags;
  /** Maximum concurrent evaluations. */
  slots: number;
  send(work: EvaluationWork): void;
  cancel(id: string): void;
};

export type AttachedDaemon = Disposable & {
  /** The outcome of an evaluation that this daemon was sent. */
  answer(id: string, outcome: Outcome): void;
};

/** Brings evaluations to daemons, those of other replicas included. */
export type Dispatcher = {
  /** Takes a daemon into account until it is disposed of. */
  attach(daemon: EvaluatingDaemon): AttachedDaemon;
  /**
   * Evaluates on any matching daemon. Throws `unavailable`, with a sentence, if there is none or if none is free in
   * time; aborting the signal cancels the evaluation.
   */
  run(facts: EvaluationFacts, ask: EvaluationAsk, signal: AbortSignal): Promise<Evaluation>;
};

/** How long anybody waits for an evaluation. */
export const EVALUATION_MS = 10_000;
/** How long a daemon may need to come back, while services are restarted, before there is none. */
const NO_DAEMON_MS = 2_000;
/** Evaluations that wait for a free daemon at this replica, its own and offered ones. */
const MAX_WAITING = 500;

type Waiting = Offer & {
  untilMs: number;
  /** Set if this replica asks. */
  own?: { facts: EvaluationFacts; ask: EvaluationAsk } | undefined;
  /** Others may have taken it. */
  offered: boolean;
};
/** Canceled evaluations hold their slots until the daemon has ended them. */
type Running = Map<string, { own: boolean; canceled: boolean }>;
type Held = EvaluatingDaemon & { running: Running };

export type DispatcherOptions = {
  store: EvaluationStore;
  relay: Relay;
  clock: Clock;
  logger: Logger;
};

export function createDispatcher({ store, relay, clock, logger }: DispatcherOptions): Dispatcher {
  const daemons = new Set<Held>();
  const waiting = new Map<string, Waiting>();
  /** Evaluations that this replica asks for. */
  const asked = new Map<string, (outcome: Outcome | FleetError) => void>();
  void relay.listen({
    onOffer(offer) {
      if (asked.has(offer.id) || waiting.size >= MAX_WAITING) return;
      if (![...daemons].some((daemon) => fits(daemon, offer))) return;
      waiting.set(offer.id, { ...offer, offered: true, untilMs: clock.now().getTime() + EVALUATION_MS });
      pump();
    },
    onCancel(id) {
      waiting.delete(id);
      stop(id);
    },
    onAnswer(id, read) {
      const settle = asked.get(id);
      if (!settle) return;
      read()
        .then((outcome) => outcome && settle(outcome))
        .catch((error) => settle(new FleetError("unavailable", RETRY, { cause: error })));
    },
  });

  const fits = (daemon: Held, { organizationId, provisioner, tags }: Offer) =>
    daemon.organizationId === organizationId &&
    daemon.provisioners.includes(provisioner) &&
    covers(daemon.tags, tags);
  const freeDaemon = (offer: Offer) =>
    [...daemons]
      .filter((daemon) => fits(daemon, offer) && daemon.running.size < daemon.slots)
      .sort((a, b) => a.running.size / a.slots - b.running.size / b.slots)[0];

  /** Hands waiting evaluations to free daemons, in their order. */
  function pump(): void {
    const now = clock.now().getTime();
    for (const one of waiting.values()) {
      if (one.untilMs <= now) {
        waiting.delete(one.id);
        continue;
      }
      const daemon = freeDaemon(one);
      if (!daemon) continue;
      waiting.delete(one.id);
      daemon.running.set(one.id, { own: one.own !== undefined, canceled: false });
      start(daemon, one).catch((error) => {
        logger.warn("Could not start an evaluation.", { error: errorMessage(error) });
        end(daemon, one.id, { error: RETRY });
      });
    }
  }

  async function start(daemon: Held, { id, own, offered, untilMs }: Waiting): Promise<void> {
    // Without Redis, nobody else can have taken it.
    const taken = offered
      ? await relay.take(id).catch((error) => (own ? own.ask : Promise.reject(error)))
      : own?.ask;
    const facts = taken && (own?.facts ?? (await store.facts(taken.versionId, taken.ownerId)));
    if (!taken || !facts) {
      daemon.running.delete(id);
      return pump();
    }
    // Canceled, or the daemon left, meanwhile.
    if (daemon.running.get(id)?.canceled !== false) {
      daemon.running.delete(id);
      return pump();
    }
    daemon.send({ id, facts, ask: taken, timeoutMs: Math.max(1, untilMs - clock.now().getTime()) });
  }

  function end(daemon: Held, id: string, outcome: Outcome): void {
    const job = daemon.running.get(id);
    if (!job) return;
    daemon.running.delete(id);
    if (!job.canceled && job.own) asked.get(id)?.(outcome);
    else if (!job.canceled)
      relay.answer(id, outcome).catch((error) => {
        logger.warn("Could not answer another replica's evaluation.", { error: errorMessage(error) });
      });
    pump();
  }

  function cancel(id: string): void {
    const own = waiting.get(id);
    waiting.delete(id);
    if (!stop(id) && (!own || own.offered)) relay.cancel(id);
  }

  /** False if no daemon of this replica runs it. */
  function stop(id: string): boolean {
    for (const daemon of daemons) {
      const job = daemon.running.get(id);
      if (!job) continue;
      job.canceled = true;
      daemon.cancel(id);
      return true;
    }
    return false;
  }

  return {
    attach(daemon) {
      const held: Held = { ...daemon, running: new Map() };
      if (held.slots > 0) daemons.add(held);
      pump();
      return {
        answer: (id, outcome) => end(held, id, outcome),
        [Symbol.dispose]() {
          daemons.delete(held);
          for (const id of [...held.running.keys()]) end(held, id, { error: RETRY });
        },
      };
    },

    async run(facts, ask, signal) {
      if (waiting.size >= MAX_WAITING)
        throw new FleetError(
          "resource_exhausted",
          "Too many parameters are being evaluated. Try again later.",
        );
      const id = randomUUID();
      const { organizationId, provisioner, tags } = facts;
      const offer: Offer = { id, organizationId, provisioner, tags };
      const done = Promise.withResolvers<Outcome>();
      asked.set(id, (outcome) =>
        outcome instanceof FleetError ? done.reject(outcome) : done.resolve(outcome),
      );
      const giveUp = (message: string) => done.reject(new FleetError("unavailable", message));
      const named = isUntagged(tags) ? "without tags" : `with the tags ${formatTags(tags)}`;
      const missing = clock.after(NO_DAEMON_MS, () => {
        store
          .hasDaemon(facts, clock.now())
          .then(
            (found) =>
              found ||
              giveUp(
                `No provisioner ${named} is connected, so the parameters cannot be evaluated. Ask an administrator to start one.`,
              ),
          )
          .catch(done.reject);
      });
      const deadline = clock.after(EVALUATION_MS, () =>
        giveUp(`The provisioners ${named} are too busy to evaluate the parameters. Try again.`),
      );
      const abort = () => done.reject(abortError(signal));
      signal.addEventListener("abort", abort, { once: true });
      if (signal.aborted) abort();
      try {
        const one: Waiting = {
          ...offer,
          own: { facts, ask },
          offered: false,
          untilMs: clock.now().getTime() + EVALUATION_MS,
        };
        waiting.set(id, one);
        pump();
        if (waiting.has(id)) {
          one.offered = true;
          await Promise.race([relay.offer(offer, ask).catch(() => {}), done.promise]);
        }
        const outcome = await done.promise;
        if ("error" in outcome) throw new FleetError("unavailable", outcome.error);
        return outcome.evaluation;
      } catch (error) {
        cancel(id);
        throw error;
      } finally {
        asked.delete(id);
        missing.cancel();
        deadline.cancel();
        signal.removeEventListener("abort", abort);
      }
    },
  };
}

const RETRY = "The provisioner that evaluated the parameters was disconnected. Try again.";
