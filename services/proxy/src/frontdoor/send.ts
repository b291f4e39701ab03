import { EventEmitter } from "node:events";
import type { Agent, ClientRequest, IncomingMessage, ServerResponse } from "node:http";
import { Stream } from "node:stream";
import httpProxy from "http-proxy";
import type { RawHeaders } from "../http/headers.js";

/**
 * Starts the request upstream, with these headers and no others, over this agent's connection. Its body and its answer are
 * the caller's. Throws what node:http throws.
 */
export type Send = (
  request: IncomingMessage,
  response: ServerResponse,
  headers: RawHeaders,
  agent: Agent,
) => ClientRequest;

/** Where coderd is, as node:http takes it: an IPv6 address without brackets. */
export type Target = { protocol: string; host: string; port: string };

/**
 * http-proxy sends requests to coderd; http/forward.ts carries their bodies and answers, as it does for apps. By its own
 * options http-proxy is kept from what it does otherwise than HTTP has it (ADR 3):
 *
 * - `selfHandleResponse`: it would go on when the client leaves, leave the client waiting when coderd breaks off, and drop
 *   interim responses and trailers.
 * - `buffer` is what it pipes upstream in place of the client's body. It would pipe before there is a connection, and what
 *   was read could not be sent again. Ours pipes nothing; it is handed the request that http-proxy has started.
 * - `method`, in place of the request's own: it announces a chunked DELETE or OPTIONS as empty and sends its body after that.
 * - No `proxyTimeout`: it ends a request as if coderd had reset it, which would be sent again.
 */
export function createSend({ protocol, host, port }: Target): Send {
  const proxy = httpProxy.createProxyServer({
    target: { protocol, host, hostname: host, port },
    toProxy: true, // Otherwise it parses the path and writes another.
    selfHandleResponse: true,
  });
  return (request, response, headers, agent) => {
    const buffer = new Outlet();
    // Errors reach whoever has the request. http-proxy throws those for which it has no callback.
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

class Outlet extends Stream {
  upstream: ClientRequest | undefined;

  override pipe<T extends NodeJS.WritableStream>(destination: T): T {
    this.upstream = destination as unknown as ClientRequest;
    return destination;
  }
}

/**
 * What http-proxy has to know of the client's request. It changes the headers of what it is given, and leaves listeners
 * there: each try needs one of its own.
 */
function standIn({ url, socket }: IncomingMessage): IncomingMessage {
  return Object.assign(new EventEmitter(), { url, socket, headers: {} }) as unknown as IncomingMessage;
}

/**
 * Puts path and headers as they came: http-proxy makes one slash of several, and takes headers as an object, which has one
 * spelling and one place for each. Its event for that, `proxyReq`, comes too late for a head that goes out at once, and not
 * at all where there is an `Expect`.
 */
function writeHead(upstream: ClientRequest, path: string, headers: RawHeaders): void {
  upstream.path = path;
  upstream.removeHeader("Host");
  for (let at = 0; at + 1 < headers.length; at += 2) upstream.appendHeader(headers[at]!, headers[at + 1]!);
}
