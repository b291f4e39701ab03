/** The query parameter that carries an encrypted key from the access URL to an app's host. */
export const APP_KEY_PARAMETER = "coder_application_connect_api_key_35e783";

/** The path and query without these parameters; the others are unchanged. */
export function withoutParameters(pathAndQuery: string, names: readonly string[]): string {
  const at = pathAndQuery.indexOf("?");
  if (at < 0) return pathAndQuery;
  const path = pathAndQuery.slice(0, at);
  const query = pathAndQuery.slice(at + 1);
  if (query === "") return path;
  if (!names.some((name) => query.includes(name))) return pathAndQuery;
  const kept = query.split("&").filter((pair) => !names.includes(pair.split("=", 1)[0]!));
  return kept.length === 0 ? path : `${path}?${kept.join("&")}`;
}

/** True if the app's URL has a query and the request for its first page has none. */
export function lacksAppQuery(rest: string, appUrl: URL): boolean {
  return rest === "/" && appUrl.search !== "";
}

/** The path and query to request from the app: the request's, below the path of the app's URL. */
export function appPath(rest: string, appUrl: URL): string {
  if (appUrl.pathname === "/") return rest;
  const base = appUrl.pathname.replace(/\/+$/, "");
  return `${base}${rest}`;
}
