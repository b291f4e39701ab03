import type { IncomingMessage } from "node:http";

const BASE = "http://coderd";
const urls = new WeakMap<IncomingMessage, URL>();

/**
 * The address that a request asks for. It is read once, and never throws: `//host/path` is a path here and names no
 * host, and what is no path at all is `/`.
 */
export function urlOf(request: IncomingMessage): URL {
  let url = urls.get(request);
  if (!url) {
    url = parse(request.url ?? "/");
    urls.set(request, url);
  }
  return url;
}

function parse(target: string): URL {
  if (target.startsWith("/")) return new URL(`${BASE}${target}`);
  const absolute = URL.parse(target);
  return new URL(`${BASE}${absolute ? `${absolute.pathname}${absolute.search}` : "/"}`);
}
