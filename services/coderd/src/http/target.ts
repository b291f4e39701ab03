import type { IncomingMessage } from "node:http";

/** The raw path, not decoded, and the query. */
export type Target = { readonly pathname: string; readonly searchParams: URLSearchParams };

const targets = new WeakMap<IncomingMessage, Target>();

/**
 * Parses a request's target, once. Nothing is normalized: the proxy and coderd see the same path, in which `..` and
 * `//host` are ordinary segments. An invalid path becomes `/`.
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

/** RFC 9112 §3.2.2: servers must accept the absolute form, too. */
function withoutOrigin(url: string): string {
  return /^https?:\/\//i.test(url) ? url.replace(/^https?:\/\/[^/?]*/i, "") : url;
}
