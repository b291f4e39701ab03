import { FleetError } from "@fleet/base";
import { type AccessObject, type Action, authorize } from "@fleet/rbac";
import type { Actor, UserActor } from "./actor.js";

/** Asks the policy on behalf of an actor. */
export type Authorizer = {
  can(actor: Actor, action: Action, object: AccessObject): boolean;
  /**
   * Throws unless the actor may. Who may not even read the object gets `missing`, the error that would be thrown if
   * the object were not there; who may read it but not do this gets `permission_denied`.
   */
  require(actor: Actor, action: Action, object: AccessObject, missing: FleetError): void;
};

export const authorizer: Authorizer = {
  can(actor, action, object) {
    if (actor.kind === "anonymous") return false;
    if (actor.kind === "user") actor.onAsked?.(object);
    return authorize(actor.subject, action, object);
  },
  require(actor, action, object, missing) {
    if (this.can(actor, action, object)) return;
    if (!this.can(actor, "read", object)) throw missing;
    throw new FleetError(
      "permission_denied",
      `You may see this ${object.type.replaceAll("_", " ")}, but not ${action} it.`,
    );
  },
};

/** The user behind the actor. Throws `unauthenticated` when there is none. */
export function requireUser(actor: Actor): UserActor {
  if (actor.kind === "user") return actor;
  throw new FleetError("unauthenticated", "You are not signed in, or your session has ended. Sign in again.");
}
