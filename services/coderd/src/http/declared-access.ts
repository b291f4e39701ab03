import { FleetError } from "@fleet/base";
import type { AccessObject, Action } from "@fleet/rbac";
import { type Permission, permissionsOf, type RouteName, type RouteSpec, routes } from "@fleet/sdk";
import type { AnyHandler, Handlers } from "./handler.js";

/**
 * Holds every handler to the permission that its route declares: an answer that was given without the policy having
 * granted it is an error, and what it wrote is undone with its unit of work. So the contract, and with it the API's
 * document and the matrix test, say what is enforced.
 */
export function enforceDeclaredAccess(handlers: Handlers): Handlers {
  const entries = Object.entries(handlers) as [RouteName, AnyHandler][];
  return Object.fromEntries(
    entries.map(([name, handler]) => {
      const permissions = permissionsOf((routes[name] as RouteSpec).access);
      return [name, permissions.length > 0 ? withPermission(name, permissions, handler) : handler];
    }),
  ) as unknown as Handlers;
}

function withPermission(
  name: RouteName,
  permissions: readonly Permission[],
  handler: AnyHandler,
): AnyHandler {
  return async (request) => {
    const { actor } = request;
    if (actor.kind !== "user") return handler(request);
    let granted = false;
    // Where an earlier request with the key has made it, this one only tells of it.
    const fits = ({ resource, action }: Permission, asked: Action, type: string) =>
      type === resource && (asked === action || (asked === "read" && request.idempotency !== undefined));
    const onAsked = (object: AccessObject, action: Action, answer: boolean) => {
      const type = resourceOf(object);
      granted ||= answer && permissions.some((permission) => fits(permission, action, type));
      actor.onAsked?.(object, action, answer);
    };
    const answer = await handler({ ...request, actor: { ...actor, onAsked } });
    if (granted) return answer;
    throw new FleetError("internal", `${name} responded without checking its declared permission.`);
  };
}

/** A workspace that sleeps is a workspace to the contract. */
function resourceOf({ type }: AccessObject): string {
  return type === "workspace_dormant" ? "workspace" : type;
}
