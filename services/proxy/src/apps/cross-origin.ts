import type { IncomingMessage } from "node:http";
import type { RawHeaders } from "../http/headers.js";
import type { AppHosts, RequestedApp } from "./address.js";

/**
 * Requests from one app's page to another app. Apps of the same user may call each other; another user's app may not,
 * although browsers treat all of them as one site and would send the cookies.
 */
export type CrossOrigin = "none" | "same-user" | "foreign";

/** Compares the `Origin` header with the requested host. */
export function crossOriginOf(request: IncomingMessage, app: RequestedApp, hosts: AppHosts): CrossOrigin {
  const { origin, host = "" } = request.headers;
  if (origin === undefined) return "none";
  const originHost = hostOf(origin);
  if (originHost !== undefined && originHost === host.toLowerCase()) return "none";
  const caller = originHost === undefined ? undefined : hosts.appOf(originHost, "/");
  const sameUser = caller?.username.toLowerCase() === app.username.toLowerCase();
  if (app.method === "subdomain" && sameUser) return "same-user";
  return "foreign";
}

/**
 * True if a foreign page's request could have side effects without a preflight. Public apps accept such requests,
 * because no session of the deployment is involved.
 */
export function isForeignAction(request: IncomingMessage, crossOrigin: CrossOrigin): boolean {
  if (crossOrigin !== "foreign") return false;
  return request.headers.upgrade !== undefined || !["GET", "HEAD", "OPTIONS"].includes(request.method ?? "");
}

/** True for a CORS preflight. */
export function isPreflight(request: IncomingMessage): boolean {
  return request.method === "OPTIONS" && request.headers["access-control-request-method"] !== undefined;
}

/** The headers that allow the calling app's page to read the response. */
export function allowOrigin(request: IncomingMessage): RawHeaders {
  return [
    "Access-Control-Allow-Origin",
    request.headers.origin ?? "",
    "Access-Control-Allow-Credentials",
    "true",
    "Vary",
    "Origin",
  ];
}

/** The response to a preflight from an app of the same user: everything that it asks for is allowed. */
export function preflightHeaders(request: IncomingMessage): RawHeaders {
  const headers = allowOrigin(request);
  headers.push("Access-Control-Allow-Methods", request.headers["access-control-request-method"] ?? "");
  const asked = request.headers["access-control-request-headers"];
  if (asked) headers.push("Access-Control-Allow-Headers", asked);
  headers.push("Access-Control-Max-Age", "600");
  return headers;
}

function hostOf(origin: string): string | undefined {
  try {
    return new URL(origin).host;
  } catch {
    return undefined;
  }
}
