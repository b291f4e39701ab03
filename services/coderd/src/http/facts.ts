import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";

/** Facts about every request, including WebSocket upgrades. */
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

/**
 * The request's id in logs, responses and the audit log. Always generated here: a client-supplied id could impersonate
 * another request.
 */
export function requestIdOf(request: IncomingMessage): string {
  const id = ids.get(request) ?? randomUUID();
  ids.set(request, id);
  return id;
}

/** coderd is reached only through the proxy, which sets X-Forwarded-For itself: the last entry is the client. */
function clientIp(request: IncomingMessage): string {
  const forwarded = request.headers["x-forwarded-for"];
  const last = typeof forwarded === "string" ? forwarded.split(",").at(-1)?.trim() : undefined;
  return last || request.socket.remoteAddress || "";
}
