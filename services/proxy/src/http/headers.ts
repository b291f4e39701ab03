import type { IncomingMessage } from "node:http";

/** A request's header by its lower-case name; empty if missing. */
export function headerText(request: IncomingMessage, name: string): string {
  const value = request.headers[name];
  return Array.isArray(value) ? value.join(",") : (value ?? "");
}

/** Hop-by-hop headers, which are never forwarded (RFC 9110 §7.6.1), and nonstandard ones that proxies use. */
const HOP_BY_HOP = new Set([
  "connection",
  "expect",
  "http2-settings",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** Alternating names and values, like node:http's `rawHeaders`. */
export type RawHeaders = string[];

/**
 * The headers to forward: without hop-by-hop headers, headers named in `Connection`, and headers that `drop` selects.
 * Order, case and repetition are kept.
 */
export function endToEnd(
  raw: RawHeaders,
  drop: (name: string, value: string) => boolean = () => false,
): RawHeaders {
  const named = connectionOptions(raw);
  const kept: RawHeaders = [];
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = raw[at]!.toLowerCase();
    if (HOP_BY_HOP.has(name) || named?.has(name) || drop(name, raw[at + 1]!)) continue;
    kept.push(raw[at]!, raw[at + 1]!);
  }
  return kept;
}

function connectionOptions(raw: RawHeaders): Set<string> | undefined {
  let options: Set<string> | undefined;
  for (let at = 0; at + 1 < raw.length; at += 2) {
    if (raw[at]!.length !== 10 || raw[at]!.toLowerCase() !== "connection") continue;
    for (const option of raw[at + 1]!.split(",")) {
      const name = option.trim().toLowerCase();
      // `Connection` must not remove headers that frame or identify the request.
      if (name === "" || name === "close" || name === "keep-alive") continue;
      if (name === "host" || name === "content-length" || name === "cookie") continue;
      options ??= new Set();
      options.add(name);
    }
  }
  return options;
}

/** True if the request asks to upgrade to this protocol. */
export function asksFor(upgrade: string | undefined, protocol: string): boolean {
  return (upgrade ?? "").split(",").some((item) => item.trim().toLowerCase() === protocol);
}
