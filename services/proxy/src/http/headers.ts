import type { IncomingMessage } from "node:http";

/** A request's header by its lower-case name; empty when it has none. */
export function headerText(request: IncomingMessage, name: string): string {
  const value = request.headers[name];
  return Array.isArray(value) ? value.join(",") : (value ?? "");
}

/** Headers that belong to one connection and are never forwarded (RFC 9110 §7.6.1), and the ones that proxies abuse. */
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

/** Name and value in turn, as node:http's `rawHeaders`. */
export type RawHeaders = string[];

/**
 * The headers that may travel on: none of the connection's own, none that `Connection` names, none for which `drop`
 * says so. Order, case and repetition stay as they came.
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
      // Nobody may have the proxy drop what it relies on to frame or to name the request.
      if (name === "" || name === "close" || name === "keep-alive") continue;
      if (name === "host" || name === "content-length" || name === "cookie") continue;
      options ??= new Set();
      options.add(name);
    }
  }
  return options;
}

/** True when the request asks, by `Connection: upgrade`, for this protocol. */
export function asksFor(upgrade: string | undefined, protocol: string): boolean {
  return (upgrade ?? "").split(",").some((item) => item.trim().toLowerCase() === protocol);
}
