import { type Route, upgrades } from "./route.js";

type Described = { description: string; body: "response" | "failure" | "none" };

/** What the statuses of failure mean, wherever they come from. */
const FAILURES = {
  400: "The path, the query or the body is not valid; `validations` names the fields.",
  401: "Not signed in, or the token is not valid any more.",
  403: "Signed in, but not allowed.",
  404: "Not there, or not for the caller to see.",
  408: "The body did not arrive in time.",
  409: "In conflict with what is there: a name that is taken, a build that is active.",
  412: "The object is not in the state that this needs.",
  413: "The body is larger than the route takes.",
  415: "The body is in a content encoding or a format that is not known.",
  422: "The request contradicts itself, or an earlier one with the same Idempotency-Key.",
  426: "This address takes Upgrade requests only.",
  429: "Too many requests; `Retry-After` says when to come again.",
  500: "A fault of the server; its log has the details under the request id.",
  503: "Not available for a moment; `Retry-After` says when to come again.",
} as const;

/** Every status that a request to the route can be answered with, in order. */
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
  200: "It was there already.",
  204: "There is none.",
  304: "Nothing has changed.",
};

function successOf(route: Route): string {
  if (route.status === 303) return "Go on at the address in `Location`.";
  return upgrades(route) ? "The connection is taken over." : "Done.";
}

/** Answers that carry an ETag and are left out where the client has them. */
function isConditional({ method, stream, response }: Route): boolean {
  return method === "GET" && stream === undefined && response !== undefined;
}

export function isUserAccess({ access }: Route): boolean {
  return access !== "agent" && access !== "proxy";
}

function failuresOf(route: Route): (keyof typeof FAILURES)[] {
  const found: (keyof typeof FAILURES)[] = [400, 429, 500, 503];
  const changes = route.method !== "GET";
  if (route.access !== "public") found.push(401, 403);
  if (route.access === "public" && changes) found.push(401, 403);
  if (route.path.includes(":") || typeof route.access === "object" || changes || route.query) found.push(404);
  if (changes) found.push(409, 412);
  if (route.body) found.push(408, 413, 415, 422);
  if (upgrades(route)) found.push(426);
  return found;
}
