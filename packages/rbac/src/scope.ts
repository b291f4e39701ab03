import { type Action, isPermission, RESOURCE_ACTIONS, RESOURCES, type Resource } from "./resources.js";

/** Every scope that an API key can have, as listed by `GET /auth/scopes`. */
export const SCOPES: readonly string[] = [
  "all",
  "application_connect",
  ...RESOURCES.flatMap((resource) => [
    `${resource}:*`,
    ...RESOURCE_ACTIONS[resource].map((action) => `${resource}:${action}`),
  ]),
];

/** Whether an API key may have this scope. */
export function isScope(text: string): boolean {
  if (text === "all" || text === "application_connect") return true;
  const [resource = "", action = "", ...rest] = text.split(":");
  if (rest.length > 0) return false;
  return action === "*" ? Object.hasOwn(RESOURCE_ACTIONS, resource) : isPermission(resource, action);
}

/**
 * Whether a credential with this scope may do the action at all. `application_connect` opens workspace apps and nothing
 * else. Empty and unknown scopes allow nothing; an absent one allows everything.
 */
export function scopeAllows(scope: readonly string[] | undefined, action: Action, type: Resource): boolean {
  if (!scope) return true;
  const wanted = ["all", `${type}:*`, `${type}:${action}`];
  if (type === "workspace" && action === "application_connect") wanted.push("application_connect");
  return scope.some((entry) => wanted.includes(entry));
}
