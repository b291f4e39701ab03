import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { buffer } from "node:stream/consumers";
import { ERROR_CODES, FleetError, toFleetError } from "@fleet/base";
import { createRouteMatcher, type RouteName, type RouteSpec, routes } from "@fleet/sdk";
import { WebSocketServer } from "ws";

export type Call = {
  params: Record<string, string>;
  query: URLSearchParams;
  body: unknown;
  token: string | undefined;
};

/** Returns a route's answer: a body, bytes, or for a WebSocket route the messages to send before it closes. */
type Handler = (call: Call) => unknown;
export type Handlers = Partial<Record<RouteName, Handler>>;

/**
 * Takes over the socket of an `upgrade` route after the 101 response. A handler of the same route may throw to refuse
 * it.
 */
export type StreamHandlers = Partial<Record<RouteName, (socket: Duplex, call: Call) => void>>;

export type Deployment = AsyncDisposable & {
  readonly url: string;
  /** Each request, as `METHOD /path?query`, in order. */
  readonly requests: string[];
};

/**
 * A server of the REST contract on loopback with the test's answers: commands may not depend on coderd. Answers are
 * validated with the route's schema.
 */
export async function startDeployment(handlers: Handlers, streams: StreamHandlers = {}): Promise<Deployment> {
  const requests: string[] = [];
  const sockets = new WebSocketServer({ noServer: true });
  const streamSockets = new Set<Duplex>();
  const server = createServer((request, response) => void answer(request, response));

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    requests.push(`${request.method} ${request.url}`);
    const found = match(request, (route) => route.stream === undefined);
    try {
      const handler = found && handlers[found.name];
      if (!handler) throw new FleetError("not_found", `No route for ${request.method} ${request.url}.`);
      const raw = await buffer(request);
      const isJson = request.headers["content-type"]?.includes("json");
      const result = await handler({ ...found.call, body: isJson ? JSON.parse(raw.toString()) : raw });
      response.statusCode = found.route.status ?? 200;
      if (result instanceof Uint8Array)
        return void response.setHeader("Content-Type", "application/x-tar").end(result);
      if (result === undefined || !found.route.response) return void response.end();
      const { response: schema } = found.route;
      const body = "raw" in schema ? result : JSON.stringify(schema.parse(result));
      response.setHeader("Content-Type", "application/json").end(body);
    } catch (error) {
      const { code, message, detail } = toFleetError(error);
      response.writeHead(ERROR_CODES[code].http, { "Content-Type": "application/json" });
      response.end(JSON.stringify({ message, detail }));
    }
  }

  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    requests.push(`${request.method} ${request.url}`);
    const found = match(request, (route) => route.stream !== undefined);
    const stream = found && streams[found.name];
    if (stream) {
      streamSockets.add(socket);
      try {
        handlers[found.name]?.(found.call);
      } catch (error) {
        const { code, message } = toFleetError(error);
        const body = JSON.stringify({ message });
        const head = `HTTP/1.1 ${ERROR_CODES[code].http} Refused\r\nContent-Length: ${body.length}\r\nConnection: close`;
        return void socket.end(`${head}\r\n\r\n${body}`);
      }
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${found.route.protocol}\r\n\r\n`,
      );
      return stream(socket, found.call);
    }
    const handler = found && handlers[found.name];
    if (!handler) return void socket.end("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    sockets.handleUpgrade(request, socket, head, async (client) => {
      for (const message of (await handler(found.call)) as unknown[]) client.send(JSON.stringify(message));
      client.close(1000);
    });
  });

  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    async [Symbol.asyncDispose]() {
      sockets.close();
      for (const socket of streamSockets) socket.destroy();
      server.close();
      server.closeAllConnections();
    },
  };
}

const matcher = createRouteMatcher(routes);

type Found = { name: RouteName; route: RouteSpec; call: Call };

function match(request: IncomingMessage, wanted: (route: RouteSpec) => boolean): Found | undefined {
  const url = new URL(request.url ?? "/", "http://deployment");
  const matched = matcher.match(request.method ?? "GET", url.pathname);
  const found = matched.kind === "found" ? matched.routes.find(({ route }) => wanted(route)) : undefined;
  if (matched.kind !== "found" || !found) return undefined;
  const token = request.headers["coder-session-token"] as string | undefined;
  const call = { params: { ...matched.params }, query: url.searchParams, body: undefined, token };
  return { name: found.name as RouteName, route: found.route, call };
}
