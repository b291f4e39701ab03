import type { IncomingMessage, Server } from "node:http";
import {
  constants,
  createServer as createHttp2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from "node:http2";
import type { Server as HttpsServer } from "node:https";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { LIMITS } from "../limits.js";

/** The connection preface of HTTP/2 with prior knowledge (RFC 9113 §3.4). */
const PREFACE = Buffer.from("PRI * HTTP/2.0");

/** ALPN: HTTP/2 only for clients that offer nothing else, as gRPC clients do; browsers get HTTP/1.1. */
export function chooseProtocol({ protocols }: { protocols: readonly string[] }): string | undefined {
  if (protocols.includes("http/1.1")) return "http/1.1";
  return protocols.includes("h2") ? "h2" : undefined;
}

/**
 * Makes an HTTP/1.1 server accept HTTP/2 connections as well: those that negotiated it with ALPN (`chooseProtocol`),
 * and those that begin with its preface. Their streams go to `onStream`.
 */
export function acceptHttp2(
  server: Server | HttpsServer,
  event: "connection" | "secureConnection",
  onStream: (stream: ServerHttp2Stream, request: IncomingMessage) => void,
): void {
  const http2 = createHttp2Server({
    settings: { maxConcurrentStreams: LIMITS.http2Streams, maxHeaderListSize: LIMITS.headerBytes },
    maxHeaderListPairs: LIMITS.http2Headers,
  });
  http2.on("sessionError", () => {});
  http2.on("stream", (stream, headers) => {
    stream.on("error", () => {});
    if (stream.session) onStream(stream, requestOf(stream, headers));
  });
  const [http1, ...others] = server.listeners(event) as ((socket: Socket) => void)[];
  if (!http1 || others.length > 0)
    throw new Error(`The server has ${others.length + 1} listeners for ${event}.`);
  server.removeListener(event, http1);
  server.on(event, (socket: Socket) => {
    const takeHttp1 = () => http1.call(server, socket);
    const takeHttp2 = () => void http2.emit("connection", socket);
    if (event === "connection")
      return look(socket, (first) => (isPreface(first) ? takeHttp2() : takeHttp1()));
    if ((socket as TLSSocket).alpnProtocol === "h2") takeHttp2();
    else takeHttp1();
  });
}

function isPreface(first: Buffer): boolean {
  return first.length >= 4 && PREFACE.subarray(0, first.length).equals(first.subarray(0, PREFACE.length));
}

/** Waits for the connection's first bytes without consuming them. A connection that sends none in time is closed. */
function look(socket: Socket, then: (first: Buffer) => void): void {
  const onTimeout = () => socket.destroy();
  const onEnd = () => socket.destroy();
  const onError = () => {};
  const onReadable = () => {
    const first = socket.read() as Buffer | null;
    if (first === null) return;
    socket.setTimeout(0);
    socket.off("timeout", onTimeout).off("end", onEnd).off("error", onError).off("readable", onReadable);
    socket.unshift(first);
    then(first);
  };
  socket.setTimeout(LIMITS.headersTimeoutMs);
  socket.on("timeout", onTimeout).on("end", onEnd).on("error", onError).on("readable", onReadable);
}

/** A stream's head in the shape of an HTTP/1.1 request, for routing and authorization. */
function requestOf(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): IncomingMessage {
  const { ":method": method, ":path": url, ":authority": authority } = headers;
  const plain: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(headers))
    if (!name.startsWith(":") && value !== undefined) plain[name] = value;
  plain.host = authority ?? String(plain.host ?? "");
  const rawHeaders = Object.entries(plain).flatMap(([name, value]) =>
    [value].flat().flatMap((each) => [name, each]),
  );
  const { session } = stream;
  const socket = { remoteAddress: session?.socket.remoteAddress, encrypted: session?.encrypted === true };
  const head = { method, url, headers: plain, rawHeaders, httpVersion: "2.0", httpVersionMajor: 2, socket };
  return head as unknown as IncomingMessage;
}

/** Tells the client to retry with HTTP/1.1 (RFC 9113 §7), which all but gRPC clients support. */
export function refuseHttp2(stream: ServerHttp2Stream): void {
  stream.close(constants.NGHTTP2_HTTP_1_1_REQUIRED);
}
