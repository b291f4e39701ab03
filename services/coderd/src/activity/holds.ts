import { type Clock, FleetError, formatDuration } from "@fleet/base";
import type { Actor } from "../auth/actor.js";
import { requireAgent } from "../auth/agent-owner.js";
import { workspaceChannel } from "../pubsub/channels.js";
import type { Pubsub } from "../pubsub/pubsub.js";
import type { Hold, HoldStore } from "./holds-store.js";

/** Holds of a running workspace that have not expired. */
export const MAX_HOLDS = 20;

/** Jobs that are declared inside a workspace and keep it running. All methods require the workspace's agent. */
export type Holds = {
  list(actor: Actor): Promise<Hold[]>;
  /**
   * Declares a job, or changes its end. It ends no later than the stop that the template requires.
   * @throws failed_precondition if the template allows no holds or the workspace is not started, invalid_argument if it
   *   is longer than the template allows, resource_exhausted if there are too many.
   */
  declare(actor: Actor, name: string, durationMs: number): Promise<Hold>;
  /** Releases a job, or all of them, and returns those. */
  release(actor: Actor, name: string | undefined): Promise<Hold[]>;
};

export function createHolds({
  store,
  pubsub,
  clock,
}: {
  store: HoldStore;
  pubsub: Pubsub;
  clock: Clock;
}): Holds {
  return {
    list: (actor) => store.list(requireAgent(actor).workspaceId, clock.now()),

    async declare(actor, name, durationMs) {
      const { workspaceId } = requireAgent(actor);
      const now = clock.now();
      const hold = await store.declare(workspaceId, name, now, (scope) => {
        if (!scope)
          throw new FleetError("failed_precondition", "The workspace is stopping, so it cannot be held.");
        if (!scope.allowed)
          throw new FleetError("failed_precondition", "The workspace's template does not allow holds.");
        if (durationMs > scope.maxHoldMs) {
          const detail = `The workspace's template allows holds of at most ${formatDuration(scope.maxHoldMs)}.`;
          throw new FleetError("invalid_argument", detail, {
            validations: [{ field: "duration_ms", detail }],
          });
        }
        if (scope.others >= MAX_HOLDS) {
          throw new FleetError(
            "resource_exhausted",
            `The workspace already has ${MAX_HOLDS} holds. Release one first, with: coder activity release <name>`,
          );
        }
        const until = new Date(now.getTime() + durationMs);
        return scope.maxDeadline && scope.maxDeadline < until ? scope.maxDeadline : until;
      });
      pubsub.publish(workspaceChannel(workspaceId), {});
      return hold;
    },

    async release(actor, name) {
      const { workspaceId } = requireAgent(actor);
      const released = await store.release(workspaceId, name, clock.now());
      if (released.length > 0) pubsub.publish(workspaceChannel(workspaceId), {});
      return released;
    },
  };
}
