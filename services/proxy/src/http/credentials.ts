import type { IncomingMessage } from "node:http";
import {
  PATH_APP_COOKIE,
  SESSION_COOKIE,
  SIGNED_APP_COOKIE,
  SIGNED_APP_QUERY,
  SUBDOMAIN_APP_COOKIE,
} from "@fleet/app-url";
import type { RequestedApp } from "../apps/address.js";
import type { Credentials } from "../apps/gatekeeper.js";
import { readCookie } from "./cookies.js";

/** Names of the query parameters that carry a token to where no cookie reaches. */
const QUERY = {
  session: SESSION_COOKIE,
  signedApp: SIGNED_APP_QUERY,
  signedAppPlain: SIGNED_APP_COOKIE,
} as const;

const SESSION_HEADER = "coder-session-token";

function headerToken(request: IncomingMessage): string {
  const value = request.headers[SESSION_HEADER];
  return typeof value === "string" ? value : "";
}

/** What a request to an app shows for itself. The header comes before cookies: it is never sent unasked. */
export function appCredentials(request: IncomingMessage, app: RequestedApp): Credentials {
  const { cookie } = request.headers;
  const names =
    app.method === "path" ? [SESSION_COOKIE, PATH_APP_COOKIE] : [SUBDOMAIN_APP_COOKIE, SESSION_COOKIE];
  let sessionToken = headerToken(request);
  for (const name of names) sessionToken ||= readCookie(cookie, name) ?? "";
  return { sessionToken, signedToken: readCookie(cookie, SIGNED_APP_COOKIE) ?? "" };
}

export type AgentCredentials = Credentials & {
  /** True when the browser sent them without being asked to: the `Origin` has to be checked. */
  ambient: boolean;
};

/** What a request for a terminal, SSH or a forward shows for itself. */
export function agentCredentials(request: IncomingMessage, query: URLSearchParams): AgentCredentials {
  const signedToken = query.get(QUERY.signedApp) ?? query.get(QUERY.signedAppPlain) ?? "";
  const explicit = headerToken(request) || (query.get(QUERY.session) ?? "");
  if (explicit !== "" || signedToken !== "") return { sessionToken: explicit, signedToken, ambient: false };
  return {
    sessionToken: readCookie(request.headers.cookie, SESSION_COOKIE) ?? "",
    signedToken,
    ambient: true,
  };
}

/** True when a page of one of these hosts, or no page at all, makes the request. */
export function isOwnOrigin(request: IncomingMessage, hosts: readonly string[]): boolean {
  const { origin } = request.headers;
  if (origin === undefined) return true;
  try {
    return hosts.includes(new URL(origin).host);
  } catch {
    return false;
  }
}
