import { once } from "node:events";
import * as http from "node:http";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import * as tls from "node:tls";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { addService, type Handlers } from "@fleet/proto-gen";
import {
  AgentService,
  type ConnectResponseSchema,
  type GetManifestResponseSchema,
} from "@fleet/proto-gen/agent";
import { createTunnel, type Tunnel } from "@fleet/tunnel";
import * as grpc from "@grpc/grpc-js";
import { waitFor } from "./wait.js";

/** Characters of a source's log that are kept, as in coderd. */
const LOG_LIMIT = 1024 * 1024;

type AgentMethods = Handlers<(typeof AgentService)["method"]>;
type Manifest = Exclude<MessageInitShape<typeof GetManifestResponseSchema>, { $unknown?: unknown }>;
type Directive = MessageInitShape<typeof ConnectResponseSchema>;

/** The other end of an agent, over the true protocols: a gRPC server, and a tunnel's server side. */
export type Deployment = AsyncDisposable & {
  accessUrl: string;
  /** Every request that came, by method: `updateLifecycle`. */
  // biome-ignore lint/suspicious/noExplicitAny: a test looks at the fields that it expects.
  calls(method: keyof AgentMethods): any[];
  /** The tunnel of the agent; waits until there is one that lives. */
  tunnel(): Promise<Tunnel>;
  manifest: Manifest;
  /** Sends a directive down the control stream. */
  direct(directive: Directive): Promise<void>;
  /** Cuts every connection, as a restart of the service does. */
  cut(): void;
  /** Makes every call wait without an answer, as a stuck service does. */
  hang(): void;
  /** Answers again, the calls that waited included. */
  resume(): void;
  /** Listens on a port, each connection to which becomes an `ssh` stream. */
  sshPort(): Promise<number>;
};

export async function startDeployment(
  manifest: Manifest,
  certificate?: { key: string; cert: string },
): Promise<Deployment> {
  const calls = new Map<string, unknown[]>();
  const kept = new Map<string, number>();
  const sockets = new Set<Socket>();
  const streams = new Set<(directive: Directive) => Promise<void>>();
  let tunnel: Tunnel | undefined;
  let hanging: PromiseWithResolvers<void> | undefined;
  const self = { manifest };

  const record =
    <T>(method: string, answer: () => T) =>
    async (request: unknown) => {
      calls.set(method, [...(calls.get(method) ?? []), request]);
      await hanging?.promise;
      return answer();
    };
  const handlers: AgentMethods = {
    async connect(stream) {
      const send = (directive: Directive) => stream.send(directive);
      streams.add(send);
      await stream.send({ heartbeatIntervalMs: 1_000 });
      for await (const beat of stream) await record("connect", () => {})(beat);
      streams.delete(send);
    },
    getManifest: record("getManifest", () => self.manifest),
    updateStartup: record("updateStartup", () => ({})),
    updateLifecycle: record("updateLifecycle", () => ({})),
    batchUpdateAppHealths: record("batchUpdateAppHealths", () => ({})),
    batchUpdateMetadata: record("batchUpdateMetadata", () => ({})),
    async batchCreateLogs(request) {
      const { logSourceId, logs } = request;
      const size = logs.reduce((sum, { output }) => sum + output.length, kept.get(logSourceId) ?? 0);
      kept.set(logSourceId, size);
      return record("batchCreateLogs", () => ({ logLimitExceeded: size > LOG_LIMIT }))(request);
    },
    scriptCompleted: record("scriptCompleted", () => ({})),
    updateStats: record("updateStats", () => ({ reportIntervalMs: 1_000 })),
    reportConnection: record("reportConnection", () => ({})),
    reportUnpushedWork: record("reportUnpushedWork", () => ({})),
    pushResourcesUsage: record("pushResourcesUsage", () => ({})),
    createSubAgent: record("createSubAgent", () => ({ id: "sub", name: "sub", token: "sub-secret" })),
    deleteSubAgent: record("deleteSubAgent", () => ({})),
    reportContainers: record("reportContainers", () => ({})),
  };
  const grpcServer = new grpc.Server();
  addService(grpcServer, AgentService, handlers);
  const injector = grpcServer.createConnectionInjector(grpc.ServerCredentials.createInsecure());

  const server = http.createServer();
  server.on("upgrade", (request, socket: Socket, head) => {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on("error", () => {});
    if (head.length > 0) socket.unshift(head);
    const { upgrade } = request.headers;
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${upgrade}\r\n\r\n`);
    if (upgrade === "coder-agent-rpc/1") return injector.injectConnection(socket);
    const made = createTunnel(socket, { role: "server" });
    tunnel = made;
    void made.closed.then(() => {
      if (tunnel === made) tunnel = undefined;
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");

  // As in the world: TLS ends in front of the services.
  const ingress =
    certificate &&
    tls.createServer(certificate, (outer) => {
      const inner = connect((server.address() as AddressInfo).port, "127.0.0.1");
      for (const side of [outer, inner]) {
        sockets.add(side);
        side.on("error", () => {});
      }
      outer.pipe(inner).pipe(outer);
    });
  if (ingress) await once(ingress.listen(0, "127.0.0.1"), "listening");

  const sshListener = createServer({ allowHalfOpen: true, noDelay: true }, async (socket) => {
    sockets.add(socket);
    const stream = await (await waitFor(() => tunnel)).open({ kind: "ssh", target: "" });
    socket.on("error", () => stream.destroy());
    stream.on("close", () => socket.destroy());
    socket.pipe(stream).pipe(socket);
  });

  const port = (listener: { address(): unknown }) => (listener.address() as AddressInfo).port;
  return Object.assign(self, {
    accessUrl: ingress ? `https://127.0.0.1:${port(ingress)}` : `http://127.0.0.1:${port(server)}`,
    calls: (method: string) => (calls.get(method) ?? []) as never[],
    tunnel: () => waitFor(() => tunnel),
    async direct(directive: Directive) {
      for (const send of streams) await send(directive);
    },
    cut() {
      tunnel = undefined;
      for (const socket of sockets) socket.destroy();
      sockets.clear();
    },
    hang() {
      hanging = Promise.withResolvers();
    },
    resume() {
      hanging?.resolve();
      hanging = undefined;
    },
    async sshPort() {
      if (!sshListener.listening) await once(sshListener.listen(0, "127.0.0.1"), "listening");
      return port(sshListener);
    },
    async [Symbol.asyncDispose]() {
      hanging?.resolve();
      for (const socket of sockets) socket.destroy();
      injector.destroy();
      grpcServer.forceShutdown();
      server.close();
      ingress?.close();
      sshListener.close();
    },
  });
}
