import type { IncomingMessage, Server } from "node:http";
import type { Duplex } from "node:stream";
import { type Clock, FleetError, type Logger, systemClock } from "@fleet/base";
import { parseQuery, type RouteSpec, routes } from "@fleet/sdk";
import { type WebSocket, WebSocketServer } from "ws";
import { errorResponse } from "./errors.js";
import { type AnyHandler, inMatchingOrder, type RouterOptions, requestFacts, requestIdOf } from "./router.js";

/** A ping this often keeps middleboxes from cutting an idle socket. */
const PING_MS = 15_000;
/** A client that answers none of so many pings is dead, or reads nothing: it is cut off, and may come back. */
const UNANSWERED_PINGS = 3;
/** Bytes that may wait in a socket before its source is held back. */
const HIGH_WATER_BYTES = 1024 * 1024;

export type UpgradeOptions = RouterOptions & {
  /** Takes the raw connections of workspace agents: path and protocol token are those of the route `agentRpc`. */
  acceptAgentRpc(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void>;
  clock?: Clock;
};

/** RFC 6455's registry: the server restarts, and the client may connect again. */
const SERVICE_RESTART = 1012;
/** How long a client may take to answer that. */
const CLOSE_HANDSHAKE_MS = 1_000;

type Matcher = { name: string; route: RouteSpec; pattern: RegExp; names: string[] };

/**
 * Serves the WebSocket streams of the contract, and the agents' gRPC connections.
 * @returns what tells the clients of open streams to connect to another replica.
 */
export function serveUpgrades(server: Server, options: UpgradeOptions): () => void {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: 1024 * 1024, perMessageDeflate: false });
  const matchers = inMatchingOrder(routes)
    .filter(([, route]) => route.stream === "websocket" || route.stream === "socket")
    .map(([name, route]) => matcherOf(name, route));

  async function serve(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const url = new URL(request.url ?? "/", "http://coderd");
    if (url.pathname === routes.agentRpc.path) return options.acceptAgentRpc(request, socket, head);
    for (const { name, route, pattern, names } of matchers) {
      const match = pattern.exec(url.pathname);
      const handler = (options.handlers as unknown as Record<string, AnyHandler>)[name];
      if (!match || !handler) continue;
      const params = Object.fromEntries(names.map((param, i) => [param, decodeURIComponent(match[i + 1]!)]));
      const actor = await options.actorOf(request, url, route);
      await options.limit(request, actor, route);
      const controller = new AbortController();
      socket.once("close", () => controller.abort());
      const messages = (await handler({
        params,
        query: parseQuery(route, url.searchParams),
        body: undefined as never,
        raw: Buffer.alloc(0),
        actor,
        signal: controller.signal,
        ...requestFacts(request),
      })) as AsyncIterable<unknown>;
      sockets.handleUpgrade(request, socket, head, (webSocket) => {
        pump(webSocket, messages, options.clock ?? systemClock).catch((error) => {
          options.logger.debug("stream ended", { route: name, error: String(error) });
          webSocket.close(1011, "The server could not go on. Connect again.");
        });
      });
      return;
    }
    throw new FleetError("not_found", "There is no stream at this path.");
  }

  server.on("upgrade", (request, socket, head) => {
    socket.on("error", () => socket.destroy());
    serve(request, socket, head).catch((error) => refuse(error, request, socket, options.logger));
  });
  return () => {
    for (const webSocket of sockets.clients) {
      webSocket.close(SERVICE_RESTART);
      setTimeout(() => webSocket.terminate(), CLOSE_HANDSHAKE_MS).unref();
    }
  };
}

function matcherOf(name: string, route: RouteSpec): Matcher {
  const names = [...route.path.matchAll(/:(\w+)/g)].map((match) => match[1]!);
  const pattern = new RegExp(`^${route.path.replace(/:\w+/g, "([^/]+)")}/?$`);
  return { name, route, pattern, names };
}

/** Answers an upgrade with an ordinary HTTP error. */
function refuse(error: unknown, request: IncomingMessage, socket: Duplex, logger: Logger): void {
  const { status, headers, body } = errorResponse(error, requestIdOf(request), logger);
  const text = JSON.stringify(body);
  const more = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(
    `HTTP/1.1 ${status} Refused\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(text)}\r\nConnection: close\r\n${more.join("")}\r\n${text}`,
  );
}

/** Sends each value as one JSON text message, at the reader's pace, and closes at the end. */
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
