import { confineSetCookie, stripDeploymentCookies } from "@fleet/app-url";
import { SESSION_HEADER } from "@fleet/base";
import { type ClientFacts, forwardedHeaders, isForwardedHeader } from "../http/client-facts.js";
import { endToEnd, type RawHeaders } from "../http/headers.js";
import type { RequestedApp } from "./address.js";

/** Headers that hold secrets of the deployment, besides its cookies. */
const SECRET = new Set([SESSION_HEADER, "coder-signed-app-token"]);

/** The headers that an app receives: the client's, without the deployment's own, and with the client's address. */
export function requestHeaders(raw: RawHeaders, facts: ClientFacts): RawHeaders {
  const kept = endToEnd(raw, (name) => name === "cookie" || SECRET.has(name) || isForwardedHeader(name));
  const cookies: string[] = [];
  for (let at = 0; at + 1 < raw.length; at += 2) {
    if (raw[at]!.toLowerCase() !== "cookie") continue;
    const rest = stripDeploymentCookies(raw[at + 1]!);
    if (rest !== undefined) cookies.push(rest);
  }
  if (cookies.length > 0) kept.push("Cookie", cookies.join("; "));
  kept.push(...Object.entries(forwardedHeaders(facts)).flat());
  return kept;
}

/** Headers with which a path app could attack other path apps and the dashboard, which share its origin. */
const UNSAFE_ON_SHARED_ORIGIN = new Set([
  "clear-site-data",
  "service-worker-allowed",
  "strict-transport-security",
]);

/**
 * The app's response headers as the client receives them: cookies are scoped to the app, and its CORS headers are kept
 * only with `corsPassthru`.
 */
export function responseHeaders(
  raw: RawHeaders,
  app: RequestedApp,
  corsPassthru: boolean,
  added: RawHeaders,
): RawHeaders {
  const kept = endToEnd(raw, (name) => {
    if (name === "set-cookie") return true;
    if (app.method === "path") return UNSAFE_ON_SHARED_ORIGIN.has(name);
    return !corsPassthru && name.startsWith("access-control-");
  });
  for (let at = 0; at + 1 < raw.length; at += 2) {
    if (raw[at]!.toLowerCase() !== "set-cookie") continue;
    const confined = confineSetCookie(raw[at + 1]!, app.base === "" ? undefined : app.base);
    if (confined !== undefined) kept.push("Set-Cookie", confined);
  }
  kept.push(...added);
  return kept;
}
