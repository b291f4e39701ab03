import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";

/** What every request has, a WebSocket's included. */
export function requestFacts(request: IncomingMessage) {
  return {
    contentType: (request.headers["content-type"] ?? "").split(";")[0]!.trim(),
    requestId: requestIdOf(request),
    ip: clientIp(request),
    userAgent: request.headers["user-agent"] ?? "",
    headers: request.headers,
  };
}

const ids = new WeakMap<IncomingMessage, string>();

/** The id of the request in logs, answers and the audit log. It is always made here: a client's would let it pose as another request. */
export function requestIdOf(request: IncomingMessage): string {
  const id = ids.get(request) ?? randomUUID();
  ids.set(request, id);
  return id;
}

/** coderd is reached through the proxy only, which sets X-Forwarded-For itself: its last entry is the client. */
function clientIp(request: IncomingMessage): string {
  const forwarded = request.headers["x-forwarded-for"];
  const last = typeof forwarded === "string" ? forwarded.split(",").at(-1)?.trim() : undefined;
  return last || request.socket.remoteAddress || "";
}
