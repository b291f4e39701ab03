import { FleetError } from "@fleet/base";
import type { AccessObject, Action } from "@fleet/rbac";
import { type Permission, permissionsOf, type RouteName, type RouteSpec, routes } from "@fleet/sdk";
import type { AnyHandler, Handlers } from "./handler.js";

/**
 * Enforces that every handler checks the permission its route declares: a response sent without the policy having
 * granted it is an error, and its writes are rolled back with the unit of work. So the contract, the API documentation
 * and the matrix test state what is actually enforced.
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
    // If an earlier request with the same key created it, this one only reads it.
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

/** The contract does not distinguish dormant workspaces. */
function resourceOf({ type }: AccessObject): string {
  return type === "workspace_dormant" ? "workspace" : type;
}
