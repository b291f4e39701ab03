import { EventEmitter } from "node:events";
import type { Agent, ClientRequest, IncomingMessage, ServerResponse } from "node:http";
import { Stream } from "node:stream";
import httpProxy from "http-proxy";
import type { RawHeaders } from "../http/headers.js";

/**
 * Starts a request to coderd with exactly these headers, on a connection of this agent. The caller sends the body and
 * handles the response. Throws what node:http throws.
 */
export type Send = (
  request: IncomingMessage,
  response: ServerResponse,
  headers: RawHeaders,
  agent: Agent,
) => ClientRequest;

/** coderd's address as node:http expects it: an IPv6 host has no brackets. */
export type Target = { protocol: string; host: string; port: string };

/**
 * http-proxy starts the request; http/forward.ts forwards the body and the response, as it does for apps. These options
 * turn off the parts of http-proxy that break HTTP (ADR 3):
 *
 * - `selfHandleResponse`: http-proxy would keep reading after the client disconnects, leave the client waiting when coderd
 *   breaks off, and drop interim responses and trailers.
 * - `buffer` replaces the client's body. http-proxy would pipe the body before there is a connection, and what was read
 *   could not be sent again. `Outlet` pipes nothing; it captures the request that http-proxy started.
 * - `method` replaces the request's own: http-proxy announces a chunked DELETE or OPTIONS as empty, then sends its body.
 * - `proxyTimeout` is not set: it looks like a connection reset by coderd, which would be retried.
 */
export function createSend({ protocol, host, port }: Target): Send {
  const proxy = httpProxy.createProxyServer({
    target: { protocol, host, hostname: host, port },
    toProxy: true, // Otherwise http-proxy parses and rewrites the path.
    selfHandleResponse: true,
  });
  return (request, response, headers, agent) => {
    const buffer = new Outlet();
    // The caller listens for errors on the request. Without a callback, http-proxy would throw them as well.
    proxy.web(standIn(request), response, { agent, buffer, method: request.method }, () => {});
    const upstream = buffer.upstream!;
    try {
      writeHead(upstream, request.url!, headers);
    } catch (error) {
      upstream.destroy();
      throw error;
    }
    return upstream;
  };
}

/** Captures the request that http-proxy pipes the body to, without piping anything. */
class Outlet extends Stream {
  upstream: ClientRequest | undefined;

  override pipe<T extends NodeJS.WritableStream>(destination: T): T {
    this.upstream = destination as unknown as ClientRequest;
    return destination;
  }
}

/**
 * The request as http-proxy sees it. http-proxy changes its headers and adds listeners, so each attempt needs its own
 * object.
 */
function standIn({ url, socket }: IncomingMessage): IncomingMessage {
  return Object.assign(new EventEmitter(), { url, socket, headers: {} }) as unknown as IncomingMessage;
}

/**
 * Sets path and headers unchanged: http-proxy collapses repeated slashes and takes headers as an object, which loses their
 * spelling and repetition. Its `proxyReq` event is emitted too late for a head that is sent at once, and not at all with
 * `Expect`.
 */
function writeHead(upstream: ClientRequest, path: string, headers: RawHeaders): void {
  upstream.path = path;
  upstream.removeHeader("Host");
  for (let at = 0; at + 1 < headers.length; at += 2) upstream.appendHeader(headers[at]!, headers[at + 1]!);
}
