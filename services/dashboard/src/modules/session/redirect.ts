const AUTH_REDIRECT = "/api/v2/applications/auth-redirect";

/** Where to go after signing in. `page`: a path of this site; `app`: back to a workspace app, by the server. */
export type Destination = { kind: "page" | "app"; path: string };

/**
 * Reads `?redirect=`. Only what stays on this origin counts: a relative path, or the server's own auth-redirect (which
 * checks by itself whom it sends on); anything else leads home. Backslashes and "//" would leave the site.
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
    // Addresses that the server answers itself, path apps among them, need a navigation of the whole page.
    if (/^\/(api|bin)\//.test(path)) return home;
    if (/^\/@[^/]+\/[^/]+\/apps\//.test(path)) return { kind: "app", path };
    return relative && url.pathname !== "/login" ? { kind: "page", path } : home;
  } catch {
    return home;
  }
}

/** The login page that leads back to where the user is. */
export function loginPath(location: { pathname: string; search: string }): string {
  const here = location.pathname + location.search;
  return here === "/" ? "/login" : `/login?redirect=${encodeURIComponent(here)}`;
}
