import type { IncomingMessage } from "node:http";
import { readSessionCookie, SIGNED_APP_COOKIE, SIGNED_APP_QUERY } from "@fleet/app-url";
import { bearerToken, SESSION_COOKIE, SESSION_HEADER } from "@fleet/base";
import { headerText } from "../http/headers.js";

/** The credentials of a request for a terminal, SSH or a port forward; empty strings for missing ones. */
export type AgentCredentials = {
  sessionToken: string;
  signedToken: string;
  /** True if the browser added them by itself, so that the `Origin` must be checked. */
  ambient: boolean;
};

/** A token in the query is for browsers' WebSockets, which cannot send headers. */
export function agentCredentials(request: IncomingMessage, query: URLSearchParams): AgentCredentials {
  const signedToken = query.get(SIGNED_APP_QUERY) ?? query.get(SIGNED_APP_COOKIE) ?? "";
  const sessionToken = headerText(request, SESSION_HEADER) || (query.get(SESSION_COOKIE) ?? "");
  if (sessionToken !== "" || signedToken !== "") return { sessionToken, signedToken, ambient: false };
  const cookie = readSessionCookie(request.headers.cookie) ?? "";
  if (cookie !== "") return { sessionToken: cookie, signedToken, ambient: true };
  const bearer = bearerToken(request.headers.authorization) ?? "";
  return { sessionToken: bearer, signedToken, ambient: false };
}

/** True if the request comes from a page of one of these hosts, or not from a page. */
export function isOwnOrigin(request: IncomingMessage, hosts: readonly string[]): boolean {
  const { origin } = request.headers;
  if (origin === undefined) return true;
  try {
    return hosts.includes(new URL(origin).host);
  } catch {
    return false;
  }
}
