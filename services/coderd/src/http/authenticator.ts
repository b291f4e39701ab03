import type { IncomingMessage } from "node:http";
import { readCookie } from "@fleet/app-url";
import { bearerToken, type Clock, FleetError, SESSION_COOKIE, SESSION_HEADER } from "@fleet/base";
import type { ApiKeys } from "../apikeys/service.js";
import type { Actor, FoundToken } from "../auth/actor.js";
import type { Target } from "./target.js";

/**
 * A request's session token, from our header, the cookie, the query or the `Authorization` header (as OAuth2 clients
 * send it), in this order.
 */
export function findToken(
  request: IncomingMessage,
  target: Target,
  cookieName: string,
): FoundToken | undefined {
  const header = request.headers[SESSION_HEADER];
  if (typeof header === "string" && header !== "") return { token: header, via: "header" };
  const cookie = readCookie(request.headers.cookie, cookieName);
  if (cookie) return { token: cookie, via: "cookie" };
  const query = target.searchParams.get(SESSION_COOKIE);
  if (query) return { token: query, via: "query" };
  const bearer = bearerToken(request.headers.authorization);
  return bearer === undefined ? undefined : { token: bearer, via: "header" };
}

export class CrossSiteRequest extends FleetError {
  constructor() {
    super(
      "permission_denied",
      "This request came from another site. Open the dashboard at its access URL, or send the session token as a header.",
    );
  }
}

export type Authenticator = {
  /** The actor of a request's token; `anonymous` without one. Throws `unauthenticated` for an invalid token. */
  authenticate(request: IncomingMessage, target: Target): Promise<Actor>;
};

export function createAuthenticator(options: {
  apiKeys: ApiKeys;
  accessUrl: URL;
  /** Name of the session's cookie. */
  cookieName: string;
  clock: Clock;
}): Authenticator {
  return {
    async authenticate(request, target) {
      const found = findToken(request, target, options.cookieName);
      if (!found) return { kind: "anonymous" };
      if (found.via === "cookie" && !sameOrigin(request, options.accessUrl)) {
        throw new CrossSiteRequest();
      }
      return options.apiKeys.authenticate(found);
    },
  };
}

/**
 * Protects cookie sessions from cross-site requests, including from apps on sibling subdomains: browsers send the
 * page's origin with every state-changing request and every WebSocket.
 */
function sameOrigin(request: IncomingMessage, accessUrl: URL): boolean {
  const reading = request.method === "GET" || request.method === "HEAD" || request.method === "OPTIONS";
  if (reading && request.headers.upgrade === undefined) return true;
  return isOwnOrigin(request.headers, accessUrl);
}

/** True if the request comes from the deployment's own page, or not from a page. */
export function isOwnOrigin(headers: IncomingMessage["headers"], accessUrl: URL): boolean {
  const { origin } = headers;
  if (typeof origin !== "string") return headers["sec-fetch-site"] !== "cross-site";
  const host = URL.parse(origin)?.host;
  return host !== undefined && (host === accessUrl.host || host === headers.host);
}
