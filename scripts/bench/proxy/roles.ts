import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from "node:http";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { nullLogger, systemClock } from "@fleet/base";
import { createTunnel, type Tunnel, type TunnelStream } from "@fleet/tunnel";
import { Registry } from "prom-client";
import { createAppConnections } from "../../../services/proxy/src/apps/connections.js";
import { forwardRequest } from "../../../services/proxy/src/http/forward.js";
import { endToEnd } from "../../../services/proxy/src/http/headers.js";
import { startProxy } from "../../../services/proxy/src/proxy.js";
import { connectCoderd } from "../../../services/proxy/src/session/coderd.js";
import { dialAsAgent } from "../../../services/proxy/src/testing/agent.js";
import { TestCoderd } from "../../../services/proxy/src/testing/coderd.js";

/** The processes of the benchmark. Each listens on 127.0.0.1, reports its port, and reports its CPU time on request. */
export type Ports = { port: number; tunnelPort?: number };

export const BULK_BYTES = 64e6;
const SMALL = Buffer.from(
  `HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 1024\r\n\r\n${"x".repeat(1024)}`,
);
const BULK_HEAD = `HTTP/1.1 200 OK\r\ncontent-type: application/octet-stream\r\ncontent-length: ${BULK_BYTES}\r\n\r\n`;
const BLOCK = Buffer.alloc(64 * 1024, "bulk");
/** The address of the app in the product's proxy. */
export const APP_PATH = "/@ana/dev.main/apps/web";

/** An app with almost no cost: it looks only at the last path segment. */
function app(): Promise<Ports> {
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on("error", () => {});
    let rest = "";
    socket.on("data", (chunk: Buffer) => {
      rest += chunk.toString("latin1");
      for (let end = rest.indexOf("\r\n\r\n"); end >= 0; end = rest.indexOf("\r\n\r\n")) {
        const bulk = rest.slice(0, 64).includes("/bulk ");
        rest = rest.slice(end + 4);
        if (bulk) sendBulk(socket);
        else socket.write(SMALL);
      }
    });
  });
  return listen(server);
}

function sendBulk(socket: Socket): void {
  socket.write(BULK_HEAD);
  let left = BULK_BYTES;
  const fill = () => {
    while (left > 0) {
      const block = left < BLOCK.length ? BLOCK.subarray(0, left) : BLOCK;
      left -= block.length;
      if (!socket.write(block)) return;
    }
    socket.off("drain", fill);
  };
  socket.on("drain", fill);
  fill();
}

type Forward = (request: IncomingMessage, response: ServerResponse) => void;
type Open = () => Duplex;

/** How each contender carries a request over the tunnel's streams. */
const contenders: Record<string, (open: Open) => Forward> = {
  forwarder: (open) => {
    const connections = createAppConnections({ openNow: () => open() as TunnelStream });
    const endpoint = { agentId: "a", hostname: "app", port: 80, secure: false };
    return (incoming, outgoing) =>
      void forwardRequest({
        request: incoming,
        response: outgoing,
        send: (headers) =>
          connections.request(endpoint, {
            method: incoming.method ?? "GET",
            path: incoming.url ?? "/",
            headers,
          }),
        headers: endToEnd(incoming.rawHeaders),
      }).catch(() => outgoing.destroy());
  },
};

/** A proxy with one agent; the raw one parses nothing and is the baseline for the others. */
async function proxy(name: string): Promise<Ports> {
  let tunnel: Tunnel | undefined;
  const open = () => tunnel!.openNow({ kind: "tcp", target: "app" });
  const { port: tunnelPort } = await listen(
    createServer({ noDelay: true }, (socket) => {
      tunnel = createTunnel(socket, { role: "server" });
    }),
  );
  if (name === "raw") {
    const server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => join(socket, open()));
    return { ...(await listen(server)), tunnelPort };
  }
  const forward = contenders[name]!(open);
  return { ...(await listen(createHttpServer({ noDelay: true }, forward))), tunnelPort };
}

async function agent(tunnelPort: number, appPort: number): Promise<Ports> {
  const tunnel = createTunnel(dial(tunnelPort), {
    role: "client",
    onStream: (pending) => join(pending.accept(), dial(appPort)),
  });
  await tunnel.ping();
  return { port: 0 };
}

/** The product's complete proxy, with a coderd beside it that authorizes every request. */
async function product(appPort: number): Promise<Ports> {
  const coderd = new TestCoderd();
  coderd.agentTokens.set("agent", { agentId: "11111111-1111-4111-8111-111111111111", workspaceId: "w" });
  coderd.apps.push({
    username: "ana",
    workspace: "dev",
    agent: "main",
    slugOrPort: "web",
    url: `http://127.0.0.1:${appPort}`,
    agentId: "11111111-1111-4111-8111-111111111111",
    workspaceId: "w",
    userId: "u",
    tokens: [],
    public: true,
  });
  await coderd.start();
  const replica = await startProxy({
    coderd: connectCoderd({ address: coderd.address, token: "proxy-secret" }),
    coderdUrl: new URL("http://127.0.0.1:1"),
    httpAddress: "127.0.0.1:0",
    replicaId: "bench",
    hostname: "bench",
    drainMs: 0,
    registry: new Registry(),
    clock: systemClock,
    log: nullLogger,
  });
  return { port: Number(replica.address.split(":")[1]) };
}

async function productAgent(proxyPort: number): Promise<Ports> {
  const { tunnel } = await dialAsAgent({ proxy: `127.0.0.1:${proxyPort}`, token: "agent" });
  await tunnel.ping();
  return { port: 0 };
}

function dial(port: number): Socket {
  return connect({ port, host: "127.0.0.1", noDelay: true, allowHalfOpen: true });
}

function join(left: Duplex, right: Duplex): void {
  for (const [one, other] of [
    [left, right],
    [right, left],
  ] as const) {
    one.on("error", () => other.destroy());
    one.on("close", () => other.destroy());
    one.pipe(other);
  }
}

async function listen(server: Server): Promise<Ports> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { port: (server.address() as AddressInfo).port };
}

const roles: Record<string, (...args: string[]) => Promise<Ports>> = {
  app,
  proxy: (name) => proxy(name!),
  agent: (tunnelPort, appPort) => agent(Number(tunnelPort), Number(appPort)),
  product: (appPort) => product(Number(appPort)),
  "product-agent": (proxyPort) => productAgent(Number(proxyPort)),
};

/** Runs as the named process; it exits with its parent. */
export async function runRole(role: string, args: readonly string[]): Promise<void> {
  process.on("disconnect", () => process.exit());
  const ports = await roles[role]!(...args);
  process.on("message", () => {
    const { user, system } = process.cpuUsage();
    process.send!((user + system) / 1000);
  });
  process.send!(ports);
}
