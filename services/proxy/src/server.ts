import {
  createServer as createHttpServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import type { ServerHttp2Stream } from "node:http2";
import { createServer as createHttpsServer, type Server as HttpsServer } from "node:https";
import type { Duplex } from "node:stream";
import { type AppHosts, parsePathApp, type RequestedApp } from "./apps/address.js";
import type { AppEnd, AppProxy } from "./apps/app-proxy.js";
import { NO_SUCH_APP } from "./apps/refusals.js";
import type { FrontDoor } from "./frontdoor/frontdoor.js";
import { type Answer, answer, answerUpgrade, errorAnswer, jsonAnswer } from "./http/answer.js";
import type { ClientFacts } from "./http/client-facts.js";
import { isPlainlyFramed } from "./http/forward.js";
import { answerCall, isGrpc } from "./http/grpc.js";
import { asksFor } from "./http/headers.js";
import { acceptHttp2, chooseProtocol, refuseHttp2 } from "./http/http2.js";
import type { Pages } from "./http/pages.js";
import { KNOWN_HOSTS_PATH } from "./jumphost/known-hosts.js";
import { LIMITS } from "./limits.js";
import type { StreamEnd } from "./ssh/stream.js";
import type { Traffic, TrafficEnd } from "./traffic.js";
import { TUNNEL_PATH } from "./tunnel/accept.js";
import { type AgentStreamRequest, parseAgentStream } from "./tunnel/agent-gate.js";

/** Handles an Upgrade request for a stream to an agent. */
export type StreamHandler = (
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  asked: AgentStreamRequest,
) => Promise<StreamEnd>;

export type Handlers = {
  factsOf(request: IncomingMessage): ClientFacts;
  hosts: AppHosts;
  apps: AppProxy;
  frontDoor: FrontDoor;
  acceptTunnel(request: IncomingMessage, socket: Duplex, head: Buffer, facts: ClientFacts): Promise<void>;
  terminal: StreamHandler;
  streams: StreamHandler;
  pages: Pages;
  traffic: Traffic;
  /** The known_hosts line of the SSH server; undefined if it is off or not ready. */
  knownHosts(): string | undefined;
  /** True while the replica drains and clients should connect to another one. */
  draining(): boolean;
};

/** Certificate and key, PEM. */
export type TlsFiles = { cert: string; key: string };

/** The handler of a request: by host first, then by path. Everything else goes to coderd. */
type Destination =
  | { to: "app"; app: RequestedApp }
  | { to: "nobody" }
  | { to: "knownhosts" }
  | { to: "tunnel" }
  | { to: "agent"; asked: AgentStreamRequest }
  | { to: "frontdoor" };

/** Creates a server with these handlers. It is not listening yet. */
export function createProxyServer(handlers: Handlers, tls?: TlsFiles): Server | HttpsServer {
  const options = {
    maxHeaderSize: LIMITS.headerBytes,
    headersTimeout: LIMITS.headersTimeoutMs,
    // An upload has no time limit while it makes progress.
    requestTimeout: 0,
    keepAliveTimeout: LIMITS.keepAliveTimeoutMs,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: LIMITS.clientProbeMs,
    // A declined `Upgrade: h2c` is an ordinary request, possibly with a body.
    shouldUpgradeCallback: ({ headers }: IncomingMessage) => !asksFor(headers.upgrade, "h2c"),
  };
  const server = tls
    ? createHttpsServer({ ...options, ...tls, ALPNCallback: chooseProtocol })
    : createHttpServer(options);
  acceptHttp2(server, tls ? "secureConnection" : "connection", (stream, request) => {
    onCall(handlers, request, stream).catch(() => stream.close());
  });
  // The size of the header section is limited instead; node:http silently drops headers beyond a count.
  server.maxHeadersCount = 0;
  /** The responses in progress on each connection. */
  const answering = new WeakMap<Duplex, Set<ServerResponse>>();
  const handle = (request: IncomingMessage, response: ServerResponse) => {
    const { socket } = request;
    const open = answering.get(socket) ?? new Set();
    answering.set(socket, open.add(response));
    response.once("close", () => open.delete(response));
    onRequest(handlers, request, response).catch((error: unknown) => fail(response, error));
  };
  server.on("request", handle);
  // `Expect: 100-continue` is forwarded to the server that handles the request.
  server.on("checkContinue", handle);
  server.on("upgrade", (request, socket, head) => {
    onUpgrade(handlers, request, socket, head).catch((error: unknown) => {
      try {
        answerUpgrade(socket, errorAnswer(error));
      } catch {
        socket.destroy();
      }
    });
  });
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    // An error response cannot be sent in the middle of another response.
    const begun = [...(answering.get(socket) ?? [])].some(({ headersSent }) => headersSent);
    if (error.code === "ECONNRESET" || !socket.writable || begun) return socket.destroy();
    const status =
      error.code === "HPE_HEADER_OVERFLOW" ? 431 : error.code === "ERR_HTTP_REQUEST_TIMEOUT" ? 408 : 400;
    answerUpgrade(socket, jsonAnswer(status, "Malformed request."));
  });
  return server;
}

/** The last resort: an error while handling a request neither crashes the process nor leaves the request open. */
function fail(response: ServerResponse, error: unknown): void {
  try {
    answer(response, errorAnswer(error));
  } catch {
    response.destroy();
  }
}

function destinationOf(handlers: Handlers, request: IncomingMessage, facts: ClientFacts): Destination {
  const target = request.url ?? "/";
  if (handlers.hosts.isAppHost(facts.host)) {
    const app = handlers.hosts.appOf(facts.host, target);
    return app ? { to: "app", app } : { to: "nobody" };
  }
  const [path, query] = splitOnce(target, "?");
  const app = parsePathApp(path, query);
  if (app) return { to: "app", app };
  if (path === TUNNEL_PATH) return { to: "tunnel" };
  if (path === KNOWN_HOSTS_PATH) return { to: "knownhosts" };
  const asked = parseAgentStream(path, query, facts.address);
  return asked ? { to: "agent", asked } : { to: "frontdoor" };
}

/** With several, servers disagree about which one counts (RFC 9112 §3.2). */
const TWO_HOSTS = "Send exactly one Host header.";

function hostsOf({ rawHeaders }: IncomingMessage): number {
  let count = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) if (rawHeaders[at]!.toLowerCase() === "host") count += 1;
  return count;
}

async function onRequest(
  handlers: Handlers,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  request.on("error", () => {});
  response.on("error", () => {});
  if (handlers.draining()) response.shouldKeepAlive = false;
  const facts = handlers.factsOf(request);
  if (!request.url?.startsWith("/") && request.url !== "*") {
    return answer(
      response,
      jsonAnswer(400, "The request target must be a path. This server is not a forward proxy."),
    );
  }
  if (hostsOf(request) > 1) return answer(response, jsonAnswer(400, TWO_HOSTS));
  if (!isPlainlyFramed(request.headers)) {
    response.shouldKeepAlive = false;
    return answer(
      response,
      jsonAnswer(501, "Unsupported Transfer-Encoding. Send the body with a Content-Length or chunked."),
    );
  }
  const destination = destinationOf(handlers, request, facts);
  switch (destination.to) {
    case "app":
      return handlers.traffic.observe("app", request, facts, async () => {
        const end = await handlers.apps.request(request, response, destination.app, facts);
        return appTraffic(destination.app, end, response.statusCode);
      });
    case "frontdoor":
      return handlers.traffic.observe("frontdoor", request, facts, async () => {
        await handlers.frontDoor.request(request, response, facts);
        return { status: response.statusCode };
      });
    case "nobody":
      request.resume();
      return answer(response, handlers.pages.answerTo(request, NO_SUCH_APP));
    case "knownhosts":
      request.resume();
      return answer(response, knownHostsAnswer(handlers.knownHosts()));
    case "tunnel":
    case "agent":
      request.resume();
      return answer(
        response,
        jsonAnswer(426, "This endpoint requires an Upgrade request.", { Upgrade: "websocket" }),
      );
  }
}

async function onUpgrade(
  handlers: Handlers,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): Promise<void> {
  socket.on("error", () => {});
  const facts = handlers.factsOf(request);
  if (!request.url?.startsWith("/"))
    return answerUpgrade(socket, jsonAnswer(400, "The request target must be a path."));
  if (hostsOf(request) > 1) return answerUpgrade(socket, jsonAnswer(400, TWO_HOSTS));
  const { "content-length": length = "0", "transfer-encoding": encoding } = request.headers;
  if (length !== "0" || encoding !== undefined) {
    return answerUpgrade(socket, jsonAnswer(400, "An Upgrade request must not have a body."));
  }
  const destination = destinationOf(handlers, request, facts);
  switch (destination.to) {
    case "app":
      return handlers.traffic.observe("app", request, facts, async () =>
        appTraffic(
          destination.app,
          await handlers.apps.upgrade(request, socket, head, destination.app, facts),
          101,
        ),
      );
    case "knownhosts":
      return answerUpgrade(socket, knownHostsAnswer(handlers.knownHosts()));
    case "nobody":
      return answerUpgrade(socket, handlers.pages.answerTo(request, NO_SUCH_APP));
    case "tunnel":
      return handlers.acceptTunnel(request, socket, head, facts);
    case "agent": {
      const { asked } = destination;
      const handle = asked.kind === "pty" ? handlers.terminal : handlers.streams;
      return handlers.traffic.observe(asked.kind, request, facts, async () => ({
        agentId: asked.agentId,
        ...(await handle(request, socket, head, asked)),
      }));
    }
    case "frontdoor":
      return handlers.traffic.observe("frontdoor", request, facts, () =>
        handlers.frontDoor.upgrade(request, socket, head, facts),
      );
  }
}

/** HTTP/2 is served for gRPC calls to apps only; all other requests are told to use HTTP/1.1. */
async function onCall(
  handlers: Handlers,
  request: IncomingMessage,
  stream: ServerHttp2Stream,
): Promise<void> {
  const facts = handlers.factsOf(request);
  const app = request.url?.startsWith("/") ? handlers.hosts.appOf(facts.host, request.url) : undefined;
  if (handlers.draining()) stream.session?.close(); // After its streams have ended; the client reconnects.
  if (!isGrpc(request) || !handlers.hosts.isAppHost(facts.host)) return refuseHttp2(stream);
  if (!app) return answerCall(stream, NO_SUCH_APP);
  await handlers.traffic.observe("app", request, facts, async () =>
    appTraffic(app, await handlers.apps.call(request, stream, app, facts), 200),
  );
}

function appTraffic(app: RequestedApp, end: AppEnd, status: number): TrafficEnd {
  return {
    status: end.status ?? status,
    bytesIn: end.bytesIn,
    bytesOut: end.bytesOut,
    error: end.error,
    agentId: end.target?.agentId,
    workspaceId: end.target?.workspaceId,
    userId: end.target?.userId,
    app: app.slugOrPort,
  };
}

function knownHostsAnswer(line: string | undefined): Answer {
  if (line === undefined)
    return jsonAnswer(404, "This proxy does not serve SSH. Set CODER_PROXY_SSH_ADDRESS to enable it.");
  return {
    status: 200,
    contentType: "text/plain; charset=utf-8",
    headers: { "Cache-Control": "no-cache" },
    body: line,
  };
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}
