import { STATUS_CODES } from "node:http";
import type { RawHeaders } from "./headers.js";

/** What a header's name may hold (RFC 9110 §5.6.2), and what neither a value nor a reason phrase may. */
const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const ILLEGAL = /[^\t\x20-\x7e\x80-\xff]/g;

/**
 * A reason phrase that may be sent. Any bytes are legal but control characters, so it is passed on byte by byte, read as
 * Latin-1 as node:http reads it; what cannot be sent is left out.
 */
export function legalReason(status: number, reason: string | undefined): string {
  const text = (reason ?? "").replace(ILLEGAL, "");
  return text === "" ? (STATUS_CODES[status] ?? "") : text;
}

/** The headers that may be sent: node:http throws on the others, and parsers are not all as strict as its own. */
export function legalHeaders(raw: RawHeaders): RawHeaders {
  const kept: RawHeaders = [];
  for (let at = 0; at + 1 < raw.length; at += 2) {
    if (NAME.test(raw[at]!)) kept.push(raw[at]!, raw[at + 1]!.replace(ILLEGAL, ""));
  }
  return kept;
}

/** Fields that may not come behind a body (RFC 9110 §6.5.1): they frame, route, authenticate or change what was sent. */
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

/** Trailers that may be sent on, as pairs of name and value. */
export function legalTrailers(raw: RawHeaders): [string, string][] {
  const legal = legalHeaders(raw);
  const pairs: [string, string][] = [];
  for (let at = 0; at < legal.length; at += 2) {
    const name = legal[at]!.toLowerCase();
    if (!NO_TRAILER.has(name) && !name.startsWith("coder-")) pairs.push([legal[at]!, legal[at + 1]!]);
  }
  return pairs;
}

/** The head of a response as it is sent on a connection that node:http has let go of. */
export function headText(status: number, reason: string | undefined, raw: RawHeaders): Buffer {
  let text = `HTTP/1.1 ${status} ${legalReason(status, reason)}\r\n`;
  const legal = legalHeaders(raw);
  for (let at = 0; at < legal.length; at += 2) text += `${legal[at]}: ${legal[at + 1]}\r\n`;
  return Buffer.from(`${text}\r\n`, "latin1");
}

/** The links of a `Link` header, one by one: commas also stand inside `<…>` and quotes. */
export function splitLinks(value: string): string[] {
  return (value.match(/(?:<[^>]*>|"[^"]*"|[^,<"])+/g) ?? []).map((link) => link.trim()).filter(Boolean);
}
