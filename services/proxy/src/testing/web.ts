import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocketServer } from "ws";
import { listenLocal } from "./coderd.js";

export type TestWeb = {
  readonly port: number;
  readonly server: Server;
  /** What was asked, in order. */
  readonly requests: IncomingMessage[];
  /** Answers requests instead of the default, which echoes. */
  handler: ((request: IncomingMessage, response: ServerResponse) => void) | undefined;
  /** Responses or requests that broke off. */
  broken: number;
  [Symbol.asyncDispose](): Promise<void>;
};

/** A real web server: it echoes requests as JSON, WebSocket messages, and bytes of any other upgrade in upper case. */
export async function startWeb(port = 0): Promise<TestWeb> {
  const requests: IncomingMessage[] = [];
  const webSockets = new WebSocketServer({ noServer: true });
  const sockets = new Set<Duplex>();
  const server = createServer((request, response) => {
    requests.push(request);
    response.once("close", () => {
      if (!response.writableFinished) web.broken += 1;
    });
    if (web.handler) return web.handler(request, response);
    echo(request, response).catch(() => response.destroy());
  });
  server.on("upgrade", (request, socket, head) => {
    requests.push(request);
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    if (request.headers.upgrade?.toLowerCase() === "websocket") {
      webSockets.handleUpgrade(request, socket, head, (client) =>
        client.on("message", (message, isBinary) => client.send(message, { binary: isBinary })),
      );
      return;
    }
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${request.headers.upgrade}\r\n\r\n`,
    );
    socket.on("data", (chunk: Buffer) => socket.write(chunk.toString("utf8").toUpperCase()));
    socket.on("end", () => socket.end());
    socket.on("error", () => {});
  });
  const web: TestWeb = {
    port: await listenLocal(server, port),
    server,
    requests,
    handler: undefined,
    broken: 0,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return web;
}

async function echo(request: IncomingMessage, response: ServerResponse): Promise<void> {
  let bytes = 0;
  for await (const chunk of request) bytes += (chunk as Buffer).length;
  response.setHeader("Content-Type", "application/json");
  const { method, url, headers } = request;
  response.end(JSON.stringify({ method, url, headers, bytes }));
}
