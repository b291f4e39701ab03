/**
 * A message's states. `pending` includes the one that a replica is sending: its lease says so, and ends by itself.
 * A `dead` message has used up its attempts or cannot be delivered; a person can make it pending again.
 */
export const DELIVERY_STATES = ["pending", "sent", "dead"] as const;
export type DeliveryState = (typeof DELIVERY_STATES)[number];

/** How an attempt ended. */
export type Outcome =
  | { type: "sent" }
  /** Worth another attempt. */
  | { type: "failed"; reason: string }
  /** No attempt can succeed. */
  | { type: "refused"; reason: string }
  /** The replica shut down before it knew. */
  | { type: "released" };

/** The state after an attempt, the given number of which the message has had. */
export function stateAfter(outcome: Outcome, attempts: number, maxAttempts: number): DeliveryState {
  switch (outcome.type) {
    case "sent":
      return "sent";
    case "refused":
      return "dead";
    case "failed":
      return attempts >= maxAttempts ? "dead" : "pending";
    case "released":
      return "pending";
  }
}

/** The longest pause between two attempts, in milliseconds. */
export const MAX_PAUSE_MS = 6 * 3_600_000;

/** The pause after that many attempts: doubled each time, and spread so that messages do not return all at once. */
export function pauseAfter(attempts: number, retryIntervalMs: number, random: () => number): number {
  const pause = Math.min(MAX_PAUSE_MS, retryIntervalMs * 2 ** Math.max(0, attempts - 1));
  return Math.round(pause * (0.9 + 0.2 * random()));
}
