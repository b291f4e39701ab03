import { FleetError } from "@fleet/base";
import { type AccessObject, type Action, authorize, type Reach, type Resource, reach } from "@fleet/rbac";
import type { Actor, UserActor } from "./actor.js";

/** Asks the policy on behalf of an actor. */
export type Authorizer = {
  can(actor: Actor, action: Action, object: AccessObject): boolean;
  /** How far the user's roles reach over the objects of a type: a list query filters by it. */
  reach(actor: UserActor, action: Action, type: Resource): Reach;
  /**
   * Throws unless the actor may. Who may not even read the object gets `missing`, the error that would be thrown if
   * the object were not there; who may read it but not do this gets `permission_denied`.
   */
  require(actor: Actor, action: Action, object: AccessObject, missing: FleetError): void;
};

export const authorizer: Authorizer = {
  can(actor, action, object) {
    if (actor.kind === "anonymous") return false;
    const granted = authorize(actor.subject, action, object);
    if (actor.kind === "user") actor.onAsked?.(object, action, granted);
    return granted;
  },
  reach(actor, action, type) {
    const found = reach(actor.subject, action, type);
    const { everywhere, organizations, own, ownIn } = found;
    actor.onAsked?.({ type }, action, everywhere || own || organizations.length > 0 || ownIn.length > 0);
    return found;
  },
  require(actor, action, object, missing) {
    if (this.can(actor, action, object)) return;
    if (!this.can(actor, "read", object)) throw missing;
    throw new FleetError(
      "permission_denied",
      `You do not have permission to ${action} this ${object.type.replaceAll("_", " ")}.`,
    );
  },
};

/** The user behind the actor. Throws `unauthenticated` when there is none. */
export function requireUser(actor: Actor): UserActor {
  if (actor.kind === "user") return actor;
  throw new FleetError("unauthenticated", "You are signed out or your session has expired. Sign in again.");
}
