import { once } from "node:events";
import { existsSync } from "node:fs";
import { stat } from "node:fs/promises";
import * as http from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { dirname } from "node:path";
import { duplexPair } from "node:stream";
import { text } from "node:stream/consumers";
import { setImmediate } from "node:timers/promises";
import { FleetError, nullLogger, systemClock } from "@fleet/base";
import { addService, createBridge, type Handlers } from "@fleet/proto-gen";
import { AgentService } from "@fleet/proto-gen/agent";
import * as grpc from "@grpc/grpc-js";
import { connectAgent, dialTunnel, keepConnected } from "./index.js";

type AgentMethods = Handlers<(typeof AgentService)["method"]>;

/** A minimal coderd: upgrades as the real one does, and hands the connection to a real gRPC server. */
async function serve(handlers: Partial<AgentMethods> = {}) {
  const grpcServer = new grpc.Server();
  addService(grpcServer, AgentService, handlers as AgentMethods);
  const injector = grpcServer.createConnectionInjector(grpc.ServerCredentials.createInsecure());
  const server = http.createServer((_request, response) => response.writeHead(404).end());
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => sockets.add(socket));
  server.on("upgrade", (request, socket, head) => {
    if (request.headers["coder-session-token"] !== "good") {
      const body = JSON.stringify({ message: "The agent's token is not valid." });
      socket.end(`HTTP/1.1 401 Unauthorized\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
      return;
    }
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${request.headers.upgrade}\r\n\r\n`,
    );
    if (request.headers.upgrade === "coder-agent-rpc/1") {
      if (head.length > 0) socket.unshift(head);
      injector.injectConnection(socket);
    } else {
      socket.pipe(socket);
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    accessUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      injector.destroy();
      grpcServer.forceShutdown();
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

test("calls use the upgraded connection with the agent's token", async () => {
  await using fleet = await serve({
    async updateStartup(request, context) {
      expect(context.metadata.get("coder-agent-token")).toEqual(["good"]);
      expect(request.version).toBe("v1");
      return {};
    },
  });
  const connection = await connectAgent({ accessUrl: fleet.accessUrl, token: "good" });
  await connection.client.updateStartup({ version: "v1" });
  await connection.client.updateStartup({ version: "v1" });
  connection.close();
  await connection.closed;
});

test("a bridge accepts one connection and then removes its socket", async () => {
  const [near, far] = duplexPair();
  const bridge = await createBridge(near!);
  const path = bridge.address.slice("unix:".length);
  expect((await stat(dirname(path))).mode & 0o777).toBe(0o700);
  const first = connect(path);
  first.write("ping");
  expect(String((await once(far!, "data"))[0])).toBe("ping");
  while (existsSync(dirname(path))) await setImmediate();
  const [error] = await once(connect(path), "error");
  expect(error.code).toBe("ENOENT");
  bridge.close();
  await once(first, "close");
});

test("`closed` resolves when the server closes the connection", async () => {
  const fleet = await serve({ updateStartup: async () => ({}) });
  const connection = await connectAgent({ accessUrl: fleet.accessUrl, token: "good" });
  await connection.client.updateStartup({});
  const disposed = fleet[Symbol.asyncDispose]();
  await connection.closed;
  connection.close();
  await disposed;
});

test("a rejected token is `unauthenticated` with the server's message", async () => {
  await using fleet = await serve();
  await expect(connectAgent({ accessUrl: fleet.accessUrl, token: "bad" })).rejects.toMatchObject({
    code: "unauthenticated",
    message: "The agent's token is not valid.",
  });
});

test("an unreachable server is `unavailable`", async () => {
  await expect(dialTunnel({ accessUrl: "http://127.0.0.1:1", token: "good" })).rejects.toMatchObject({
    code: "unavailable",
  });
});

test("the tunnel's connection is a raw socket with half-close", async () => {
  await using fleet = await serve();
  const socket = await dialTunnel({ accessUrl: fleet.accessUrl, token: "good" });
  socket.end("to and fro");
  expect(await text(socket)).toBe("to and fro");
});

test("sessions are reopened until aborted, with a delay after a refusal", async () => {
  const delays: number[] = [];
  const controller = new AbortController();
  const clock = {
    ...systemClock,
    sleep: async (ms: number) => {
      delays.push(ms);
      if (delays.length === 4) controller.abort();
    },
  };
  let tries = 0;
  await keepConnected({
    name: "test",
    clock,
    logger: nullLogger,
    signal: controller.signal,
    random: () => 0,
    async session() {
      tries++;
      if (tries <= 2) throw new FleetError("unavailable", "Down.");
      throw new FleetError("unauthenticated", "No.");
    },
  });
  expect(delays).toEqual([100, 200, 500, 750]);
});
