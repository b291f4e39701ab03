import { type HostPattern, parseHost } from "./host.js";

/** What a browser would treat as the start of another host, or strip before looking for one. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: browsers strip them
const HOST_START = /^[\u0000-\u0020/\\]*/;

/** The path and query as an address that stays on its host: `//evil.example/` and `/\evil.example/` would leave it. */
export function localPath(path: string): string {
  return path.replace(HOST_START, "/");
}

/**
 * The URL, if its origin is exactly that of an app of this deployment: the access URL's scheme, a host under the
 * pattern, and the pattern's port (if unset: the access URL's, or the scheme's own). Undefined for any other, for one
 * with a user or password, and for a host not written as the deployment's own links write it. Its path is local.
 */
export function parseAppUrl(text: string, pattern: HostPattern, accessUrl: URL): URL | undefined {
  const url = URL.parse(text);
  if (!url || url.protocol !== accessUrl.protocol || url.username !== "" || url.password !== "")
    return undefined;
  if (url.hostname.endsWith(".") || !parseHost(url.hostname, pattern)) return undefined;
  const ports = pattern.port === "" ? ["", accessUrl.port] : [portOf(pattern, accessUrl)];
  if (!ports.includes(url.port)) return undefined;
  url.pathname = localPath(url.pathname);
  url.hash = "";
  return url;
}

/** The pattern's port as URLs write it: omitted if it is the scheme's default. */
function portOf({ port }: HostPattern, { protocol }: URL): string {
  return new URL(`${protocol}//host${port}`).port;
}
