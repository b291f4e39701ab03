import { type Clock, FleetError, type Logger } from "@fleet/base";
import type { Actor } from "../auth/actor.js";
import { authorizer, requireUser } from "../auth/authorizer.js";
import type { Transaction } from "../database/transaction.js";
import type { UnitOfWork } from "../database/unit-of-work.js";
import { type Channel, type DispatcherSettings, type OnAttempt, startDispatcher } from "./dispatcher.js";
import type { DeliveryState } from "./status.js";
import type { DeliveryRow, DeliveryStore, NewDelivery } from "./store.js";

/**
 * Messages to the outside (mail servers, webhooks, log collectors): stored in the transaction of what they tell, and
 * sent at least once, by any replica.
 */
export type Deliveries = {
  /** Stores messages in the current unit of work, or in `tx`; this replica sends them soon after the commit. */
  enqueue(deliveries: readonly NewDelivery[], tx?: Transaction): Promise<void>;
  /** After the commit, this replica looks for messages at once: a channel may no longer be paused. */
  wake(): void;
  /** Messages, newest first. @throws not_found without permission. */
  list(
    actor: Actor,
    filter: { state?: DeliveryState | undefined; destination?: string | undefined },
    page: { limit?: number | undefined; offset?: number | undefined },
  ): Promise<{ rows: DeliveryRow[]; count: number }>;
  /** Sends dead messages again: those with the ids, or all of them. Returns how many; expired ones stay dead. */
  retry(actor: Actor, ids: readonly string[] | undefined): Promise<number>;
  /** Starts to send messages over these channels, until closed. */
  start(channels: readonly Channel[]): { close(): Promise<void> };
};

/** By then most transactions have committed; the next fetch finds the rest. */
const COMMITTED_MS = 300;
const PAGE = 25;
const PAGE_LIMIT = 500;

export function createDeliveries(options: {
  store: DeliveryStore;
  unitOfWork: Pick<UnitOfWork, "afterCommit">;
  settings: DispatcherSettings;
  clock: Clock;
  logger: Logger;
  onAttempt?: OnAttempt;
}): Deliveries {
  const { store, unitOfWork, clock } = options;
  checkSettings(options.settings);
  /** Does nothing until `start`. */
  let wakeDispatcher = () => {};
  const wake = () => wakeDispatcher();

  function requireMessages(actor: Actor, action: "read" | "update"): void {
    requireUser(actor);
    const missing = new FleetError("not_found", "Messages not found, or you do not have access to them.");
    authorizer.require(actor, action, { type: "notification_message" }, missing);
  }

  return {
    async enqueue(deliveries, tx) {
      if (deliveries.length === 0) return;
      await store.insert(deliveries, clock.now(), tx);
      unitOfWork.afterCommit(wake);
      // A transaction that does not belong to a unit of work has not committed yet.
      if (tx) clock.after(COMMITTED_MS, wake);
    },
    wake: () => unitOfWork.afterCommit(wake),
    async list(actor, filter, page) {
      requireMessages(actor, "read");
      return store.list(filter, { take: Math.min(page.limit || PAGE, PAGE_LIMIT), skip: page.offset ?? 0 });
    },
    async retry(actor, ids) {
      requireMessages(actor, "update");
      const count = await store.revive(ids, clock.now());
      unitOfWork.afterCommit(wake);
      return count;
    },
    start(channels) {
      const dispatcher = startDispatcher({ ...options, channels });
      wakeDispatcher = dispatcher.wake;
      return dispatcher;
    },
  };
}

/** A message may still be on its way when its lease ends, and would then be sent twice. */
function checkSettings({ leaseMs, timeoutMs }: DispatcherSettings): void {
  if (leaseMs > timeoutMs) return;
  throw new FleetError(
    "invalid_argument",
    "CODER_NOTIFICATIONS_LEASE_PERIOD must be longer than CODER_NOTIFICATIONS_DISPATCH_TIMEOUT.",
  );
}
