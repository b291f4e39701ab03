import type { AddressInfo } from "node:net";
import { connect, createServer, type Server, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { createTunnel, gatherWrites, type Tunnel } from "@fleet/tunnel";
import { createWebSocketStream, WebSocket, WebSocketServer } from "ws";

/**
 * The processes of the benchmark. Each listens on a free port of 127.0.0.1, reports it to its parent, and answers
 * requests for its CPU time and memory. Bytes are relayed unchanged: no hop parses HTTP.
 */
export type Usage = { cpuMs: number; rssBytes: number; liveBytes: number };
/** A garbage collection makes memory comparable but slows the code after it, so it is not part of a timed round. */
export type Ask = "usage" | "usage after gc";
export type Ports = { port: number; tunnelPort?: number };

const RESPONSE_BODY = 1024;
export const RESPONSE = Buffer.from(
  `HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: ${RESPONSE_BODY}\r\n\r\n${"x".repeat(RESPONSE_BODY)}`,
);
export const REQUEST = Buffer.from(
  "GET /small HTTP/1.1\r\nhost: app\r\nuser-agent: bench\r\naccept: */*\r\n\r\n",
);
const BLOCK = Buffer.alloc(64 * 1024, "bulk");

/** Small requests: first byte `G`. A download: `D` and its length as u48. An upload: `U`, its length, then the bytes. */
function target(): Promise<Ports> {
  return listen(
    createServer({ noDelay: true }, (socket) => {
      socket.on("error", () => {});
      socket.once("data", (first: Buffer) => {
        if (first[0] === 0x44) return download(socket, first.readUIntBE(1, 6));
        if (first[0] === 0x55) return upload(socket, first);
        const answer = (chunk: Buffer) => {
          for (let left = chunk.length; left >= REQUEST.length; left -= REQUEST.length)
            socket.write(RESPONSE);
        };
        socket.on("data", answer);
        answer(first);
      });
    }),
  );
}

function download(socket: Socket, length: number): void {
  let left = length;
  const fill = () => {
    while (left > 0) {
      const block = left < BLOCK.length ? BLOCK.subarray(0, left) : BLOCK;
      left -= block.length;
      if (!socket.write(block)) return;
    }
    socket.off("drain", fill);
    socket.end();
  };
  socket.on("drain", fill);
  fill();
}

function upload(socket: Socket, first: Buffer): void {
  let left = first.readUIntBE(1, 6) - (first.length - 7);
  socket.on("data", (chunk: Buffer) => {
    left -= chunk.length;
    if (left === 0) socket.end("done");
  });
}

/** One hop of the raw relay. */
function relay(next: number): Promise<Ports> {
  return listen(createServer({ noDelay: true, allowHalfOpen: true }, (socket) => splice(socket, dial(next))));
}

/** What a workspace proxy does: each client connection is a stream of the agent's tunnel. */
async function proxy(webSocket: boolean): Promise<Ports> {
  let tunnel: Tunnel | undefined;
  const attach = (transport: Duplex) => {
    tunnel = createTunnel(transport, { role: "client" });
  };
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) =>
    serve(tunnel!.openNow({ kind: "tcp", target: "app" }), socket),
  );
  const { port } = await listen(server);
  if (!webSocket) {
    const { port: tunnelPort } = await listen(createServer({ noDelay: true }, attach));
    return { port, tunnelPort };
  }
  const sockets = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: false });
  sockets.on("connection", (peer) => attach(createWebSocketStream(peer)));
  await new Promise((resolve) => sockets.once("listening", resolve));
  return { port, tunnelPort: (sockets.address() as AddressInfo).port };
}

/** What an agent does: dials the proxy, and connects each stream to the target. */
async function agent(tunnelPort: number, targetPort: number, webSocket: boolean): Promise<Ports> {
  const transport = webSocket
    ? createWebSocketStream(new WebSocket(`ws://127.0.0.1:${tunnelPort}`, { perMessageDeflate: false }))
    : dial(tunnelPort);
  const tunnel = createTunnel(transport, {
    role: "server",
    onStream: (pending) => serve(pending.accept(), dial(targetPort)),
  });
  await tunnel.ping();
  return { port: 0 };
}

/** Many idle agents in one process. */
async function idleAgents(tunnelPort: number, count: number): Promise<Ports> {
  const tunnels = Array.from({ length: count }, () => createTunnel(dial(tunnelPort), { role: "server" }));
  await Promise.all(tunnels.map((tunnel) => tunnel.ping()));
  return { port: 0 };
}

function dial(port: number): Socket {
  return connect({ port, host: "127.0.0.1", noDelay: true, allowHalfOpen: true });
}

function serve(stream: Duplex, socket: Socket): void {
  gatherWrites(stream, socket);
  splice(stream, socket);
}

function splice(left: Duplex, right: Duplex): void {
  for (const [one, other] of [
    [left, right],
    [right, left],
  ] as const) {
    one.pipe(other);
    one.on("error", () => other.destroy());
    one.on("close", () => {
      if (!one.readableEnded) other.destroy();
    });
  }
}

async function listen(server: Server): Promise<Ports> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { port: (server.address() as AddressInfo).port };
}

const ROLES: Record<string, (...args: number[]) => Promise<Ports>> = {
  target: () => target(),
  relay: (next) => relay(next!),
  proxy: () => proxy(false),
  "proxy-ws": () => proxy(true),
  agent: (tunnelPort, targetPort) => agent(tunnelPort!, targetPort!, false),
  "agent-ws": (tunnelPort, targetPort) => agent(tunnelPort!, targetPort!, true),
  "idle-agents": (tunnelPort, count) => idleAgents(tunnelPort!, count!),
};

/** Runs the role in this process, which its parent forked. */
export async function runRole(name: string, args: readonly string[]): Promise<void> {
  process.on("disconnect", () => process.exit(0));
  process.on("message", (ask: Ask) => {
    if (ask === "usage after gc") (globalThis as { gc?: () => void }).gc?.();
    const { user, system } = process.cpuUsage();
    const { rss, heapUsed, external } = process.memoryUsage();
    const usage: Usage = { cpuMs: (user + system) / 1000, rssBytes: rss, liveBytes: heapUsed + external };
    process.send!(usage);
  });
  process.send!(await ROLES[name]!(...args.map(Number)));
}
