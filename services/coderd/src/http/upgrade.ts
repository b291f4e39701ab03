import { type IncomingMessage, type Server, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { type Clock, FleetError, isFleetError, type Logger, systemClock } from "@fleet/base";
import { parseMessage, parseParams, parseQuery, type RouteSpec, routes } from "@fleet/sdk";
import { type WebSocket, WebSocketServer } from "ws";
import type { AgentActor } from "../auth/actor.js";
import type { DaemonKey } from "../provisionerdaemons/service.js";
import { errorResponse } from "./errors.js";
import { requestFacts, requestIdOf } from "./facts.js";
import { methodNotAllowed } from "./refusal.js";
import { admit, handlerOf, matcher, type RouterOptions } from "./router.js";
import { type Target, targetOf } from "./target.js";

/** Accepts a raw connection whose request has been authenticated. */
type Accept<Peer> = (
  peer: Peer,
  decidedAtMs: number,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
) => void;

/** Ping interval, to stop middleboxes from closing an idle socket. */
const PING_MS = 15_000;
/** A client that leaves this many pings unanswered is dead or not reading: it is disconnected and may reconnect. */
const UNANSWERED_PINGS = 3;
/** A page that requested heartbeats drops its connection after 9 s without one. */
const HEARTBEAT_MS = 3_000;
/** Bytes that may be buffered in a socket before its source is paused. */
const HIGH_WATER_BYTES = 1024 * 1024;

export type UpgradeOptions = RouterOptions & {
  /** Accepts raw connections of workspace agents; path and subprotocol are those of the route `agentRpc`. */
  acceptAgentRpc: Accept<AgentActor>;
  /** The external provisioner daemon that sends the request. Throws `unauthenticated`. */
  authenticateDaemon(request: IncomingMessage): Promise<DaemonKey>;
  /** Accepts raw connections of external provisioner daemons, of the route `provisionerRpc`. */
  acceptDaemonRpc: Accept<DaemonKey>;
  /** Called when a WebSocket of the route opens; the returned function is called when it closes. */
  observeSocket?: ((route: RouteSpec) => () => void) | undefined;
  clock?: Clock;
};

/** RFC 6455's registry: the server is restarting and the client may reconnect. */
const SERVICE_RESTART = 1012;
/** RFC 6455 §7.4.1: a message is not what the route declares. */
const INVALID_DATA = 1007;
/** RFC 6455 §7.4.1: the stream's authorization has ended. */
const POLICY_VIOLATION = 1008;
/** Maximum length of a close reason, after the code. */
const CLOSE_REASON_BYTES = 123;
/** How long a client may take to answer the close frame. */
const CLOSE_HANDSHAKE_MS = 1_000;

/**
 * Serves the WebSocket streams of the contract and the agents' gRPC connections.
 * @returns a function that tells clients of open streams to reconnect to another replica.
 */
export function serveUpgrades(server: Server, options: UpgradeOptions): () => void {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: 1024 * 1024, perMessageDeflate: false });

  async function serveAgentRpc(
    request: IncomingMessage,
    target: Target,
    socket: Duplex,
    head: Buffer,
  ): Promise<void> {
    const decidedAtMs = options.now();
    const actor = await admit(routes.agentRpc, request, target, options);
    if (actor.kind === "agent" && !socket.destroyed)
      options.acceptAgentRpc(actor, decidedAtMs, request, socket, head);
  }

  /** Daemons that connect are not limited, since a whole cluster may share an address; attempts with a wrong key are. */
  async function serveDaemonRpc(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const decidedAtMs = options.now();
    const key = await options.authenticateDaemon(request).catch(async (error) => {
      if (isFleetError(error, "unauthenticated"))
        await options.limit(request, { kind: "anonymous" }, routes.provisionerRpc);
      throw error;
    });
    if (!socket.destroyed) options.acceptDaemonRpc(key, decidedAtMs, request, socket, head);
  }

  async function serve(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const target = targetOf(request);
    if (target.pathname === routes.agentRpc.path) return serveAgentRpc(request, target, socket, head);
    if (target.pathname === routes.provisionerRpc.path) return serveDaemonRpc(request, socket, head);
    const match = matcher.match(request.method ?? "GET", target.pathname);
    if (match.kind === "method") throw methodNotAllowed(request.method ?? "GET", match.allow);
    const found = match.kind === "found" ? match.routes.find(({ route }) => isSocket(route)) : undefined;
    const handler = found && handlerOf(options.handlers, found.name);
    if (match.kind === "none" || !found || !handler) {
      throw new FleetError("not_found", "Stream not found.");
    }
    const { route } = found;
    const decidedAtMs = options.now();
    const actor = await admit(route, request, target, options);
    const controller = new AbortController();
    socket.once("close", () => controller.abort());
    let opened: WebSocket | undefined;
    const inbox = createInbox();
    const asked = {
      params: parseParams(route, match.params),
      query: parseQuery(route, target.searchParams),
      body: undefined as never,
      raw: Buffer.alloc(0),
      received: inbox.messages(controller.signal) as AsyncIterable<never>,
      actor,
      signal: controller.signal,
      ...requestFacts(request),
    };
    const { messages, release } = await options.open(handler, asked, decidedAtMs, ({ message }) => {
      if (opened) close(opened, POLICY_VIOLATION, message);
      else socket.destroy();
    });
    socket.once("close", release);
    if (socket.destroyed) return release();
    sockets.handleUpgrade(request, socket, head, (webSocket) => {
      opened = webSocket;
      const closed = options.observeSocket?.(route);
      if (closed) webSocket.once("close", closed);
      if (route.message) webSocket.on("message", (data) => receive(webSocket, route, String(data), inbox));
      const clock = options.clock ?? systemClock;
      const beats =
        (asked.query as { heartbeat?: boolean }).heartbeat === true && route.heartbeat !== undefined;
      if (beats) sendHeartbeats(webSocket, JSON.stringify(route.heartbeat), clock);
      pump(webSocket, messages, clock).catch((error) => {
        options.logger.debug("stream ended", { route: found.name, error: String(error) });
        webSocket.close(1011, "The server encountered an error. Reconnect.");
      });
    });
  }

  server.on("upgrade", (request, socket, head) => {
    socket.on("error", () => socket.destroy());
    serve(request, socket, head).catch((error) => refuse(error, request, socket, options.logger));
  });
  return () => {
    for (const webSocket of sockets.clients) close(webSocket, SERVICE_RESTART);
  };
}

function close(webSocket: WebSocket, code: number, reason = ""): void {
  webSocket.close(code, Buffer.from(reason).subarray(0, CLOSE_REASON_BYTES));
  setTimeout(() => webSocket.terminate(), CLOSE_HANDSHAKE_MS).unref();
}

function isSocket({ stream }: RouteSpec): boolean {
  return stream === "websocket" || stream === "exchange" || stream === "socket";
}

/** What a client sent and nobody has read: the newest message, since it replaces those before it. */
type Inbox = { push(message: unknown): void; messages(signal: AbortSignal): AsyncGenerator<unknown> };

function createInbox(): Inbox {
  let newest: { message: unknown } | undefined;
  let wake = () => {};
  return {
    push(message) {
      newest = { message };
      wake();
    },
    async *messages(signal) {
      signal.addEventListener("abort", () => wake(), { once: true });
      while (!signal.aborted) {
        const taken = newest;
        newest = undefined;
        if (taken) yield taken.message;
        else await new Promise<void>((resolve) => (wake = resolve));
      }
    },
  };
}

/** Hands a message of the client to the handler, or closes the socket with what is wrong with it. */
function receive(socket: WebSocket, route: RouteSpec, text: string, inbox: Inbox): void {
  try {
    inbox.push(parseMessage(route, JSON.parse(text)));
  } catch (error) {
    const [first] = error instanceof FleetError ? error.validations : [];
    close(socket, INVALID_DATA, first ? `${first.field}: ${first.detail}` : "The message is not valid JSON.");
  }
}

/** Responds to an upgrade with an ordinary HTTP error. */
function refuse(error: unknown, request: IncomingMessage, socket: Duplex, logger: Logger): void {
  const { status, headers, body } = errorResponse(error, requestIdOf(request), logger);
  const text = JSON.stringify(body);
  const more = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? "Refused"}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(text)}\r\nConnection: close\r\n${more.join("")}\r\n${text}`,
  );
}

/** Skipped for a reader that is behind: it already has data to read. */
function sendHeartbeats(socket: WebSocket, message: string, clock: Clock): void {
  const timer = clock.every(HEARTBEAT_MS, () => {
    if (socket.readyState === socket.OPEN && socket.bufferedAmount === 0) socket.send(message);
  });
  socket.once("close", () => timer.cancel());
}

/** Sends each value as one JSON text message, at the reader's pace, and closes the socket at the end. */
async function pump(socket: WebSocket, messages: AsyncIterable<unknown>, clock: Clock): Promise<void> {
  let unanswered = 0;
  const ping = clock.every(PING_MS, () => {
    if (unanswered >= UNANSWERED_PINGS) return socket.terminate();
    unanswered += 1;
    socket.ping();
  });
  socket.on("pong", () => {
    unanswered = 0;
  });
  socket.on("error", () => socket.terminate());
  try {
    for await (const message of messages) {
      if (socket.readyState !== socket.OPEN) return;
      const sent = new Promise<void>((resolve) => socket.send(JSON.stringify(message), () => resolve()));
      if (socket.bufferedAmount > HIGH_WATER_BYTES) await sent;
    }
    socket.close(1000);
  } finally {
    ping.cancel();
  }
}
