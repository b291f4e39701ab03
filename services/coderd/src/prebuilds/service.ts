import { type Clock, FleetError } from "@fleet/base";
import type { Action } from "@fleet/rbac";
import type { Actor } from "../auth/actor.js";
import { authorizer, requireUser } from "../auth/authorizer.js";
import type { Transaction } from "../database/transaction.js";
import type { Reconciler } from "./reconcile.js";
import type { Claimable, InvalidatedPreset, PrebuildStore } from "./store.js";

/** Workspaces that are built in advance, for users to claim. */
export type Prebuilds = {
  /** Creates and deletes prebuilds as presets want, unless paused. Any number of replicas may run it at the same time. */
  reconcile(): Promise<void>;
  /** Reconciles soon, because something has changed; failures are left to the next round. */
  wake(): void;
  /** A prebuild that could be claimed now; undefined if there is none. */
  candidate(claim: Claimable): Promise<string | undefined>;
  /** Locks a prebuild to be claimed in this transaction. @throws NoneInStock. */
  take(tx: Transaction, claim: Claimable): Promise<string>;
  paused(actor: Actor): Promise<boolean>;
  /** False if nothing changed. */
  setPaused(actor: Actor, paused: boolean): Promise<boolean>;
  /** Has the prebuilds of the template's active version replaced. Returns their presets. */
  invalidate(actor: Actor, templateId: string): Promise<InvalidatedPreset[]>;
};

/** All prebuilds of the preset are claimed, or none is ready. */
export class NoneInStock extends FleetError {
  constructor() {
    super("not_found", "No prebuilt workspace of the preset is ready.");
  }
}

export function createPrebuilds(options: {
  store: PrebuildStore;
  /** Outside of any unit of work, to look before its transaction begins. */
  outside: Pick<PrebuildStore, "claimable">;
  reconcile: Reconciler;
  /** Throws if the template does not exist or the actor may not do this with it. */
  requireTemplate(actor: Actor, action: Action, templateId: string): Promise<unknown>;
  afterCommit(effect: () => void): void;
  clock: Clock;
}): Prebuilds {
  const { store, requireTemplate, afterCommit, clock } = options;
  let running: Promise<void> | undefined;
  let again = false;

  /** One round at a time; a call during a round is followed by another one. */
  function reconcile(): Promise<void> {
    again = running !== undefined;
    running ??= options.reconcile().finally(() => {
      running = undefined;
    });
    return running;
  }

  async function wakeUp(): Promise<void> {
    await reconcile();
    if (again) await reconcile();
  }
  const wake = () => afterCommit(() => void wakeUp().catch(() => {}));

  return {
    reconcile,
    wake,

    candidate: (claim) => options.outside.claimable(claim, clock.now()),

    async take(tx, claim) {
      const id = await store.claimable(claim, clock.now(), tx);
      if (!id) throw new NoneInStock();
      return id;
    },

    async paused(actor) {
      requireUser(actor);
      return store.paused();
    },

    async setPaused(actor, paused) {
      requireUser(actor);
      const missing = new FleetError(
        "not_found",
        "Prebuild settings not found, or you do not have access to them.",
      );
      authorizer.require(actor, "update", { type: "deployment_config" }, missing);
      const changed = await store.setPaused(paused);
      if (!paused) wake();
      return changed;
    },

    async invalidate(actor, templateId) {
      await requireTemplate(actor, "update", templateId);
      const invalidated = await store.invalidate(templateId, clock.now());
      wake();
      return invalidated;
    },
  };
}
