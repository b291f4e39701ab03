import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { FleetError } from "@fleet/base";
import { MAX_MESSAGE_BYTES } from "@fleet/proto-gen";
import { AGENT_RPC_PROTOCOL } from "@fleet/sdk";
import * as grpc from "@grpc/grpc-js";

export type RpcServer = {
  readonly server: grpc.Server;
  /** Listens and tells the port. */
  listen(address: string): Promise<number>;
  /** Lets an agent speak gRPC on the connection of its HTTP upgrade, which came through the front door. */
  acceptUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void>;
  /** Waits a moment for calls to end, then ends them. */
  close(): Promise<void>;
};

const CLOSE_GRACE_MS = 2_000;

/** coderd's gRPC server. Peers are inside of the cluster; agents come by `acceptUpgrade`. */
export function createRpcServer(): RpcServer {
  const server = new grpc.Server({
    "grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
    "grpc.max_send_message_length": MAX_MESSAGE_BYTES,
    // An agent, a proxy or a provisioner that hangs loses its connection within a quarter of a minute.
    "grpc.keepalive_time_ms": 10_000,
    "grpc.keepalive_timeout_ms": 5_000,
  });
  const injector = server.createConnectionInjector(grpc.ServerCredentials.createInsecure());

  return {
    server,
    listen: (address) =>
      new Promise((resolve, reject) => {
        server.bindAsync(address, grpc.ServerCredentials.createInsecure(), (error, port) => {
          if (!error) return resolve(port);
          reject(
            new FleetError(
              "unavailable",
              `Could not listen on ${address} for gRPC. Set CODER_GRPC_ADDRESS to a free address.`,
              { cause: error },
            ),
          );
        });
      }),
    async acceptUpgrade(request, socket, head) {
      if (request.headers.upgrade?.toLowerCase() !== AGENT_RPC_PROTOCOL) {
        throw new FleetError("invalid_argument", `Upgrade to "${AGENT_RPC_PROTOCOL}" here.`);
      }
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${AGENT_RPC_PROTOCOL}\r\n\r\n`,
      );
      if (head.length > 0) socket.unshift(head);
      injector.injectConnection(socket);
    },
    close: () =>
      new Promise((resolve) => {
        const force = setTimeout(() => {
          server.forceShutdown();
          resolve();
        }, CLOSE_GRACE_MS);
        injector.drain(0);
        server.tryShutdown(() => {
          clearTimeout(force);
          resolve();
        });
      }),
  };
}
