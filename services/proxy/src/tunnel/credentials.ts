import type { IncomingMessage } from "node:http";
import { readCookie, SIGNED_APP_COOKIE, SIGNED_APP_QUERY } from "@fleet/app-url";
import { SESSION_COOKIE, SESSION_HEADER } from "@fleet/base";
import { headerText } from "../http/headers.js";

/** What a request for a terminal, SSH or a forward shows for itself; empty strings for what it does not. */
export type AgentCredentials = {
  sessionToken: string;
  signedToken: string;
  /** True when the browser sent them without being asked to: the `Origin` has to be checked. */
  ambient: boolean;
};

/** A token in the query is for sockets of browsers, which cannot send a header. */
export function agentCredentials(request: IncomingMessage, query: URLSearchParams): AgentCredentials {
  const signedToken = query.get(SIGNED_APP_QUERY) ?? query.get(SIGNED_APP_COOKIE) ?? "";
  const sessionToken = headerText(request, SESSION_HEADER) || (query.get(SESSION_COOKIE) ?? "");
  if (sessionToken !== "" || signedToken !== "") return { sessionToken, signedToken, ambient: false };
  const cookie = readCookie(request.headers.cookie, SESSION_COOKIE) ?? "";
  return { sessionToken: cookie, signedToken, ambient: true };
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
