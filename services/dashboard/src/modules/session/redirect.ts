/** The server's page that asks whether an app may act for the user. */
const OAUTH2_CONSENT = "/oauth2/authorize";
const AUTH_REDIRECT = "/api/v2/applications/auth-redirect";

/** Destination after login. `page`: a path of this site; `app`: a page of the server or of a workspace app. */
export type Destination = { kind: "page" | "app"; path: string };

/**
 * Parses `?redirect=`. Only same-origin destinations are allowed: a relative path, or the server's auth-redirect (which
 * validates its own target); anything else goes to the home page. Backslashes and "//" would leave the site.
 */
export function destinationOf(redirect: string | null, origin: string): Destination {
  const home: Destination = { kind: "page", path: "/workspaces" };
  if (!redirect) return home;
  try {
    const url = new URL(redirect, origin);
    const path = url.pathname + url.search + url.hash;
    if (url.origin !== origin || path.startsWith("//")) return home;
    if (url.pathname === AUTH_REDIRECT) return { kind: "app", path };
    const relative = /^\/(?![/\\])/.test(redirect);
    // Paths that the server handles, including path apps, need a full page navigation.
    if (relative && url.pathname === OAUTH2_CONSENT) return { kind: "app", path };
    if (/^\/(api|bin)\//.test(path)) return home;
    if (/^\/@[^/]+\/[^/]+\/apps\//.test(path)) return { kind: "app", path };
    return relative && url.pathname !== "/login" ? { kind: "page", path } : home;
  } catch {
    return home;
  }
}

/** Path of the login page with a redirect back to the current page. */
export function loginPath(location: { pathname: string; search: string }): string {
  const here = location.pathname + location.search;
  return here === "/" ? "/login" : `/login?redirect=${encodeURIComponent(here)}`;
}
