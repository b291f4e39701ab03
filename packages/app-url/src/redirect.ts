import { type HostPattern, parseHost } from "./host.js";

/** What a browser would take for the start of another host, or strip before it looks for one. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: browsers strip them
const HOST_START = /^[\u0000-\u0020/\\]*/;

/** The path and query as an address that stays on its host: `//evil.example/` and `/\evil.example/` would leave it. */
export function localPath(path: string): string {
  return path.replace(HOST_START, "/");
}

/**
 * The URL, where its whole origin is that of an app of this deployment: the access URL's scheme, a host under the
 * pattern, and the pattern's port (without one: the access URL's, or the scheme's own). Undefined for any other, for one
 * with a user or password, and for a host that is written in another way than the deployment's links. Its path is local.
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

/** The pattern's port as URLs write it: not at all where it is the scheme's own. */
function portOf({ port }: HostPattern, { protocol }: URL): string {
  return new URL(`${protocol}//host${port}`).port;
}
