import { SESSION_COOKIE } from "@fleet/base";
import { parseCookie } from "cookie";

// The deployment's cookies, SESSION_COOKIE among them. They are hidden from apps, and apps cannot set them.
/** The session of path apps, on the access URL's host. */
export const PATH_APP_COOKIE = "coder_path_app_session_token";
/** The session of subdomain apps, on the wildcard's domain. */
export const SUBDOMAIN_APP_COOKIE = "coder_subdomain_app_session_token";
/** The signed decision about one app. */
export const SIGNED_APP_COOKIE = "coder_signed_app_token";
/** The same as a query parameter, for sockets that cannot send a cookie. */
export const SIGNED_APP_QUERY = "coder_signed_app_token_23db1dde";

export const DEPLOYMENT_COOKIES: readonly string[] = [
  SESSION_COOKIE,
  PATH_APP_COOKIE,
  SUBDOMAIN_APP_COOKIE,
  SIGNED_APP_COOKIE,
  "oauth_state",
  "oauth_redirect",
  "csrf_token",
];

/** The value of the first cookie with that name in a `Cookie` header. */
export function readCookie(header: string | undefined, name: string): string | undefined {
  if (!header?.includes(name)) return undefined;
  const value = parseCookie(header)[name];
  return value?.startsWith('"') && value.endsWith('"') && value.length > 1 ? value.slice(1, -1) : value;
}

/** The session in a `Cookie` header; the one that only the host itself can have set takes precedence. */
export function readSessionCookie(header: string | undefined): string | undefined {
  return readCookie(header, `__Host-${SESSION_COOKIE}`) ?? readCookie(header, SESSION_COOKIE);
}

/** True for the deployment's cookies, including with a `_…` suffix and a `__Host-` or `__Secure-` prefix. */
export function isDeploymentCookie(name: string): boolean {
  const plain = name
    .trim()
    .replace(/^__(host|secure)-/i, "")
    .toLowerCase();
  return DEPLOYMENT_COOKIES.some((cookie) => plain === cookie || plain.startsWith(`${cookie}_`));
}

/** A `Cookie` header without the deployment's cookies; undefined if nothing is left. */
export function stripDeploymentCookies(header: string): string | undefined {
  const kept = header
    .split(";")
    .map((pair) => pair.trim())
    .filter((pair) => pair !== "" && !isDeploymentCookie(pair.split("=", 1)[0]!));
  return kept.length > 0 ? kept.join("; ") : undefined;
}

/**
 * An app's `Set-Cookie` header, restricted to that app: without a domain, so that it is only sent to the app's own
 * host, and, for a path app, not above `base`. Undefined if it would set one of the deployment's cookies.
 */
export function confineSetCookie(header: string, base?: string): string | undefined {
  const [pair = "", ...attributes] = header.split(";").map((part) => part.trim());
  if (isDeploymentCookie(pair.split("=", 1)[0]!)) return undefined;
  const kept = attributes.filter((attribute) => !isAttribute(attribute, "domain"));
  if (base === undefined) return [pair, ...kept].join("; ");
  const path = kept.findLast((attribute) => isAttribute(attribute, "path"))?.replace(/^[^=]*=\s*/, "");
  const isInside = path === base || path?.startsWith(`${base}/`);
  const rest = kept.filter((attribute) => !isAttribute(attribute, "path"));
  return [pair, ...rest, `Path=${isInside ? path : base}`].join("; ");
}

function isAttribute(attribute: string, name: string): boolean {
  return attribute.split("=", 1)[0]!.trim().toLowerCase() === name;
}
