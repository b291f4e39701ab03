import { type Route, upgrades } from "./route.js";

type Described = { description: string; body: "response" | "failure" | "none" };

/** What error statuses mean, whichever route returns them. */
const FAILURES = {
  400: "The path, query or body is invalid; `validations` lists the fields.",
  401: "Not signed in, or the token is no longer valid.",
  403: "Permission denied.",
  404: "Not found, or the caller does not have access.",
  408: "The request body was not received in time.",
  409: "Conflict with the current state, such as a name that is in use or an active build.",
  412: "The resource is not in the required state.",
  413: "The request body is larger than the route's limit.",
  415: "The content type or content encoding is not supported.",
  422: "The request is contradictory, or differs from an earlier one with the same Idempotency-Key.",
  426: "This endpoint only accepts Upgrade requests.",
  429: "Rate limit exceeded; retry after `Retry-After`.",
  500: "Internal server error; the server log has the details under the request ID.",
  503: "Temporarily unavailable; retry after `Retry-After`.",
} as const;

/** Every status that the route can respond with, in order. */
export function statusesOf(route: Route): [status: number, described: Described][] {
  const all = new Map<number, Described>([
    [route.status, { description: successOf(route), body: route.status >= 300 ? "none" : "response" }],
    ...(route.alsoStatus ?? []).map((status): [number, Described] => [
      status,
      { description: ALSO[status] ?? "Done.", body: status === 200 || status === 201 ? "response" : "none" },
    ]),
  ]);
  if (isConditional(route)) all.set(304, { description: ALSO[304]!, body: "none" });
  for (const status of failuresOf(route)) {
    if (!all.has(status)) all.set(status, { description: FAILURES[status], body: "failure" });
  }
  return [...all].sort(([a], [b]) => a - b);
}

const ALSO: Record<number, string> = {
  200: "Already exists.",
  204: "No content.",
  304: "Not modified.",
};

function successOf(route: Route): string {
  if (route.status === 303) return "Redirect to the URL in `Location`.";
  return upgrades(route) ? "Switching protocols." : "Done.";
}

/** Routes whose responses carry an ETag and are skipped if the client has them. */
function isConditional({ method, stream, response }: Route): boolean {
  return method === "GET" && stream === undefined && response !== undefined;
}

export function isUserAccess({ access }: Route): boolean {
  return access !== "agent" && access !== "proxy" && access !== "scim" && access !== "provisioner";
}

function failuresOf(route: Route): (keyof typeof FAILURES)[] {
  const found: (keyof typeof FAILURES)[] = [400, 429, 500, 503];
  const changes = route.method !== "GET" || route.signsIn === true;
  if (route.access !== "public") found.push(401, 403);
  if (route.access === "public" && (changes || route.failure)) found.push(401, 403);
  // Where SCIM is not configured.
  if (route.access === "scim") found.push(404);
  if (route.path.includes(":") || typeof route.access === "object" || changes || route.query) found.push(404);
  if (changes) found.push(409, 412);
  if (route.body) found.push(408, 413, 415, 422);
  if (upgrades(route)) found.push(426);
  return found;
}
