import type { IncomingMessage } from "node:http";
import {
  type ClientHttp2Stream,
  connect,
  constants,
  type IncomingHttpHeaders,
  type IncomingHttpStatusHeader,
  type OutgoingHttpHeaders,
  type ServerHttp2Stream,
} from "node:http2";
import type { Duplex } from "node:stream";
import type { RawHeaders } from "./headers.js";
import { endToEnd } from "./headers.js";
import { ERROR_HEADER, type Page } from "./pages.js";
import { legalHeaders, legalTrailers } from "./wire.js";

/** True for a gRPC call, which needs HTTP/2 end to end: its status is in trailers, and both sides stream at once. */
export function isGrpc(request: IncomingMessage): boolean {
  return (
    request.method === "POST" && /^application\/grpc(?!-web)\b/i.test(request.headers["content-type"] ?? "")
  );
}

export type CallOptions = {
  /** The client's stream, of which nothing was read yet. */
  stream: ServerHttp2Stream;
  /** A connection to the server, dedicated to this call. */
  connection: Duplex;
  authority: string;
  path: string;
  /** The headers for the server, without HTTP/2 pseudo-headers. */
  headers: RawHeaders;
  responseHeaders?(raw: RawHeaders): RawHeaders;
};

/**
 * Forwards one call to an HTTP/2 server with prior knowledge, and its response back. Resolves when the call has ended;
 * rejects if the server did not answer; then nothing has been sent to the client.
 */
export function forwardCall(options: CallOptions): Promise<void> {
  const { stream, connection, authority, path, headers, responseHeaders = (raw) => raw } = options;
  return new Promise((resolve, reject) => {
    const session = connect("http://app", { createConnection: () => connection });
    const done = () => {
      session.destroy();
      resolve();
    };
    const fail = (error: Error) => {
      session.destroy();
      if (!stream.headersSent && !stream.closed) return reject(error);
      stream.close(constants.NGHTTP2_CANCEL);
      resolve();
    };
    session.on("error", fail);
    // node:http2 throws on headers that HTTP/2 forbids, and on streams that have ended in the meantime.
    const guarded =
      <Given extends unknown[]>(work: (...given: Given) => void) =>
      (...given: Given) => {
        try {
          work(...given);
        } catch (error) {
          fail(error as Error);
        }
      };
    let upstream: ClientHttp2Stream;
    try {
      upstream = session.request({
        ...toObject(headers.filter((_text, at) => headers[at - (at % 2)]!.toLowerCase() !== "host")),
        ":method": "POST",
        ":scheme": "http",
        ":authority": authority,
        ":path": path,
        te: "trailers",
      });
    } catch (error) {
      fail(error as Error);
      return;
    }
    let trailers: OutgoingHttpHeaders = {};
    upstream.on("error", fail);
    upstream.on("close", () => {
      if (!stream.headersSent) fail(new Error("The server closed the connection before sending a response."));
    });
    stream.once("close", () => {
      upstream.close(constants.NGHTTP2_CANCEL);
      done();
    });
    if (stream.closed) return done();
    const onResponse = guarded((head: IncomingHttpHeaders & IncomingHttpStatusHeader, flags: number) => {
      const endStream = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0;
      const { ":status": status } = head;
      const answer = { ...toObject(legalHeaders(responseHeaders(endToEnd(toRaw(head))))), ":status": status };
      stream.respond(answer, { endStream, waitForTrailers: !endStream });
      if (endStream) return;
      stream.on(
        "wantTrailers",
        guarded(() => stream.sendTrailers(trailers)),
      );
      upstream.pipe(stream);
    });
    upstream.on("response", onResponse);
    upstream.on("trailers", (told) => {
      trailers = toObject(legalTrailers(toRaw(told)).flat());
    });
    stream.pipe(upstream);
  });
}

/** gRPC status codes for HTTP statuses. */
const STATUS: Record<number, number> = { 400: 3, 401: 16, 403: 7, 404: 5, 429: 8, 504: 4 };
const UNAVAILABLE = 14;

/** Ends a call with the content of an error page. */
export function answerCall(stream: ServerHttp2Stream, page: Page): void {
  if (stream.headersSent || stream.closed) {
    stream.close(constants.NGHTTP2_CANCEL);
    return;
  }
  const headers: OutgoingHttpHeaders = {
    ":status": 200,
    "content-type": "application/grpc",
    "grpc-status": STATUS[page.status] ?? UNAVAILABLE,
    "grpc-message": encodeURIComponent(`${page.title}. ${page.message}`),
  };
  if (page.code) headers[ERROR_HEADER.toLowerCase()] = page.code;
  stream.respond(headers, { endStream: true });
}

function toRaw(headers: object): RawHeaders {
  return Object.entries(headers).flatMap(([name, value]) =>
    name.startsWith(":") || value === undefined ? [] : [value].flat().flatMap((each) => [name, String(each)]),
  );
}

function toObject(raw: RawHeaders): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = {};
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = raw[at]!.toLowerCase();
    const before = headers[name];
    headers[name] = before === undefined ? raw[at + 1]! : [before, raw[at + 1]!].flat();
  }
  return headers;
}
