import { errorMessage, type Logger } from "@fleet/base";
import type { Redis } from "ioredis";
import type { Tags } from "../provisionerjobs/tags.js";
import type { Pubsub } from "../pubsub/pubsub.js";
import type { Evaluation, EvaluationAsk } from "./evaluation.js";

/** What another replica needs to know to tell whether it has a daemon for an evaluation. */
export type Offer = { id: string; organizationId: string; provisioner: string; tags: Tags };

/** An evaluation's result, or a sentence for the user. */
export type Outcome = { evaluation: Evaluation } | { error: string };

/**
 * Evaluations that one replica asks for and another's daemon carries out. Requests and results are kept in Redis for
 * seconds, the messages only name them. Variables and the owner's data are not: each replica reads these from Postgres.
 */
export type Relay = {
  /** Offers the evaluation to the other replicas. */
  offer(offer: Offer, ask: EvaluationAsk): Promise<void>;
  /** Takes an offered evaluation. Undefined if somebody else has taken it, or if it was withdrawn. */
  take(id: string): Promise<EvaluationAsk | undefined>;
  /** Nobody waits for it any more. */
  cancel(id: string): void;
  answer(id: string, outcome: Outcome): Promise<void>;
  /** Calls the listeners for what other replicas, and this one, publish, for as long as there is a connection. */
  listen(listeners: {
    onOffer(offer: Offer): void;
    onCancel(id: string): void;
    onAnswer(id: string, outcome: () => Promise<Outcome | undefined>): void;
  }): Promise<() => void>;
};

const CHANNEL = "evaluations";
/** Longer than anybody waits for an evaluation. */
const KEPT_SECONDS = 60;

type Message = { offer?: Offer; cancel?: string; answer?: string };

export function createRelay({
  redis,
  prefix,
  pubsub,
  logger,
}: {
  redis: Redis;
  prefix: string;
  pubsub: Pubsub;
  logger: Logger;
}): Relay {
  const askKey = (id: string) => `${prefix}:evaluation:${id}`;
  const outcomeKey = (id: string) => `${prefix}:evaluation:${id}:outcome`;
  /** Not by `pubsub`, which waits for the end of the request's transaction. */
  const publish = (message: Message) => redis.publish(`${prefix}:${CHANNEL}`, JSON.stringify(message));

  return {
    async offer(offer, ask) {
      await redis.set(askKey(offer.id), JSON.stringify(ask), "EX", KEPT_SECONDS);
      await publish({ offer });
    },
    async take(id) {
      const ask = await redis.getdel(askKey(id));
      return ask === null ? undefined : (JSON.parse(ask) as EvaluationAsk);
    },
    cancel(id) {
      redis.del(askKey(id)).catch(() => {});
      publish({ cancel: id }).catch(() => {});
    },
    async answer(id, outcome) {
      await redis.set(outcomeKey(id), JSON.stringify(outcome), "EX", KEPT_SECONDS);
      await publish({ answer: id });
    },
    listen({ onOffer, onCancel, onAnswer }) {
      return pubsub
        .listen(CHANNEL, ({ offer, cancel, answer }: Message) => {
          if (offer) onOffer(offer);
          if (cancel) onCancel(cancel);
          if (answer) {
            onAnswer(answer, async () => {
              const outcome = await redis.getdel(outcomeKey(answer));
              return outcome === null ? undefined : (JSON.parse(outcome) as Outcome);
            });
          }
        })
        .catch((error) => {
          logger.warn("Could not listen to other replicas' evaluations.", { error: errorMessage(error) });
          return () => {};
        });
    },
  };
}
