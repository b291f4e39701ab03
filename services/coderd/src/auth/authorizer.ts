import { FleetError } from "@fleet/base";
import {
  type AccessObject,
  type Action,
  allowsEverything,
  authorize,
  isUnlimited,
  type Reach,
  type Resource,
  reach,
} from "@fleet/rbac";
import type { Actor, UserActor } from "./actor.js";

/** Checks the policy on behalf of an actor. */
export type Authorizer = {
  can(actor: Actor, action: Action, object: AccessObject): boolean;
  /**
   * Which objects of a type the user's roles cover, to filter list queries. That check permits the list itself: where
   * the roles cover nothing, the list is empty, not refused.
   */
  reach(actor: UserActor, action: Action, type: Resource): Reach;
  /** The rows on which the actor may perform the action. As with `reach`, a list that comes out empty is permitted. */
  filter<Row>(
    actor: Actor,
    action: Action,
    type: Resource,
    rows: readonly Row[],
    objectOf: (row: Row) => Omit<AccessObject, "type">,
  ): Row[];
  /**
   * Throws unless the actor may perform the action. If the actor may not even read the object, throws `missing`, the
   * error for an object that does not exist; otherwise throws `permission_denied`.
   */
  require(actor: Actor, action: Action, object: AccessObject, missing: FleetError): void;
};

export const authorizer: Authorizer = {
  can(actor, action, object) {
    if (actor.kind === "anonymous" || actor.kind === "scim") return false;
    const granted = authorize(actor.subject, action, object);
    if (actor.kind === "user") actor.onAsked?.(object, action, granted);
    return granted;
  },
  reach(actor, action, type) {
    actor.onAsked?.({ type }, action, true);
    return reach(actor.subject, action, type);
  },
  filter(actor, action, type, rows, objectOf) {
    if (actor.kind === "user") actor.onAsked?.({ type }, action, true);
    return rows.filter((row) => this.can(actor, action, { ...objectOf(row), type }));
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

/**
 * Whether the user acts with a key that gives less than a sign-in, or that somebody else holds on their behalf. Nothing
 * that is created with it may give more, or outlive it.
 */
export function isLimited({ subject, byApp }: UserActor): boolean {
  return byApp || !isUnlimited(subject.scope) || !allowsEverything(subject.allowList);
}

/** The actor as a user. Throws `unauthenticated` for any other kind of actor. */
export function requireUser(actor: Actor): UserActor {
  if (actor.kind === "user") return actor;
  throw new FleetError("unauthenticated", "You are signed out or your session has expired. Sign in again.");
}
