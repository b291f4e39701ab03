import { STATUS_CODES } from "node:http";
import type { RawHeaders } from "./headers.js";

/** Characters allowed in a header name (RFC 9110 §5.6.2), and those not allowed in a value or reason phrase. */
const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const ILLEGAL = /[^\t\x20-\x7e\x80-\xff]/g;

/**
 * A valid reason phrase. All bytes but control characters are legal, so it is forwarded byte by byte as Latin-1, like
 * node:http reads it; an invalid one is replaced.
 */
export function legalReason(status: number, reason: string | undefined): string {
  const text = (reason ?? "").replace(ILLEGAL, "");
  return text === "" ? (STATUS_CODES[status] ?? "") : text;
}

/** The valid headers: node:http throws on others, and other parsers may be less strict. */
export function legalHeaders(raw: RawHeaders): RawHeaders {
  const kept: RawHeaders = [];
  for (let at = 0; at + 1 < raw.length; at += 2) {
    if (NAME.test(raw[at]!)) kept.push(raw[at]!, raw[at + 1]!.replace(ILLEGAL, ""));
  }
  return kept;
}

/** Fields forbidden in trailers (RFC 9110 §6.5.1), because they affect framing, routing, authentication or content. */
const NO_TRAILER = new Set([
  "authorization",
  "cache-control",
  "connection",
  "content-encoding",
  "content-length",
  "content-range",
  "content-type",
  "cookie",
  "host",
  "keep-alive",
  "set-cookie",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** Trailers to forward, as pairs of name and value. */
export function legalTrailers(raw: RawHeaders): [string, string][] {
  const legal = legalHeaders(raw);
  const pairs: [string, string][] = [];
  for (let at = 0; at < legal.length; at += 2) {
    const name = legal[at]!.toLowerCase();
    if (!NO_TRAILER.has(name) && !name.startsWith("coder-")) pairs.push([legal[at]!, legal[at + 1]!]);
  }
  return pairs;
}

/** The serialized head of a response, for a connection that node:http has released. */
export function headText(status: number, reason: string | undefined, raw: RawHeaders): Buffer {
  let text = `HTTP/1.1 ${status} ${legalReason(status, reason)}\r\n`;
  const legal = legalHeaders(raw);
  for (let at = 0; at < legal.length; at += 2) text += `${legal[at]}: ${legal[at + 1]}\r\n`;
  return Buffer.from(`${text}\r\n`, "latin1");
}

/** Splits a `Link` header into links: commas also occur inside `<…>` and quotes. */
export function splitLinks(value: string): string[] {
  return (value.match(/(?:<[^>]*>|"[^"]*"|[^,<"])+/g) ?? []).map((link) => link.trim()).filter(Boolean);
}
