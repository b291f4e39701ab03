import { type ServerResponse, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { ERROR_CODES, FleetError, toFleetError } from "@fleet/base";

/** A response that the proxy generates itself. */
export type Answer = { status: number; contentType: string; body: string; headers?: Record<string, string> };

/** Default `Retry-After` for a client with too many connections. */
const TOO_MANY_RETRY_SECONDS = 5;

/** The wire shape of errors: `{message, detail?}`. */
export function jsonAnswer(status: number, message: string, headers?: Record<string, string>): Answer {
  return {
    status,
    contentType: "application/json; charset=utf-8",
    body: JSON.stringify({ message }),
    headers,
  };
}

/** The JSON response for an error. The message of anything but a FleetError is hidden. */
export function errorAnswer(error: unknown): Answer {
  const { code, message } = toFleetError(error);
  return jsonAnswer(ERROR_CODES[code].http, message);
}

function headersOf(answer: Answer): Record<string, string> {
  return {
    "Content-Type": answer.contentType,
    "Content-Length": String(Buffer.byteLength(answer.body)),
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    ...(answer.status === 429 ? { "Retry-After": String(TOO_MANY_RETRY_SECONDS) } : {}),
    ...answer.headers,
  };
}

/**
 * Answers a request. If the head was already sent, the connection is closed instead, so that the response reads as
 * incomplete.
 */
export function answer(response: ServerResponse, content: Answer): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  // A client that waits for 100 Continue may send its next request instead of the body.
  if (response.req.headers.expect !== undefined && !response.req.complete) response.shouldKeepAlive = false;
  response.writeHead(content.status, headersOf(content));
  response.end(response.req.method === "HEAD" ? undefined : content.body);
}

/** Answers an Upgrade request with an ordinary response, and closes the connection. */
export function answerUpgrade(socket: Duplex, content: Answer): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const lines = [`HTTP/1.1 ${content.status} ${STATUS_CODES[content.status] ?? "Error"}`];
  for (const [name, value] of Object.entries({ ...headersOf(content), Connection: "close" })) {
    lines.push(`${name}: ${value}`);
  }
  socket.on("error", () => {});
  socket.end(`${lines.join("\r\n")}\r\n\r\n${content.body}`, () => socket.destroy());
}

/**
 * Switches protocols: after this, all bytes belong to the protocol, including those received after the request's head.
 */
export function acceptUpgrade(socket: Duplex, head: Buffer, protocol: string): void {
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${protocol}\r\n\r\n`);
  if (head.length > 0) socket.unshift(head);
  quiet(socket);
}

/** An upgraded connection has no idle timeout; its own protocol sends pings. */
export function quiet(stream: Duplex): void {
  if ("setTimeout" in stream && typeof stream.setTimeout === "function") stream.setTimeout(0);
  if ("setNoDelay" in stream && typeof stream.setNoDelay === "function") stream.setNoDelay(true);
}

/** The error of a request whose client has disconnected. */
export function clientGone(): FleetError {
  return new FleetError("canceled", "The client disconnected.");
}
