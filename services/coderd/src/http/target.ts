import type { IncomingMessage } from "node:http";

/** The path as it was sent, not decoded, and the query. */
export type Target = { readonly pathname: string; readonly searchParams: URLSearchParams };

const targets = new WeakMap<IncomingMessage, Target>();

/**
 * What a request asks for, read once. Nothing is tidied up: to the front door and here a path is the same, and `..` or
 * `//host` in it are segments like any other. What is no path is `/`.
 */
export function targetOf(request: IncomingMessage): Target {
  const known = targets.get(request);
  if (known) return known;
  const [path = "", ...query] = withoutOrigin(request.url ?? "").split("?");
  const target = {
    pathname: path.startsWith("/") ? path : "/",
    searchParams: new URLSearchParams(query.join("?")),
  };
  targets.set(request, target);
  return target;
}

/** RFC 9112 §3.2.2: a server takes the absolute form, too. */
function withoutOrigin(url: string): string {
  return /^https?:\/\//i.test(url) ? url.replace(/^https?:\/\/[^/?]*/i, "") : url;
}
