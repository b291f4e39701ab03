import { FleetError } from "@fleet/base";
import { MAX_MESSAGE_BYTES } from "@fleet/proto-gen";
import * as grpc from "@grpc/grpc-js";

export type RpcServer = {
  readonly server: grpc.Server;
  /** Listens and returns the port. */
  listen(address: string): Promise<number>;
};

const CLOSE_GRACE_MS = 2_000;

/** coderd's gRPC server for peers inside the cluster: proxies and provisioners. */
export function createRpcServer(): RpcServer {
  const server = new grpc.Server({
    "grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
    "grpc.max_send_message_length": MAX_MESSAGE_BYTES,
    // Close the connection of a proxy or provisioner that hangs within 15 seconds.
    "grpc.keepalive_time_ms": 10_000,
    "grpc.keepalive_timeout_ms": 5_000,
  });

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
  };
}

/** Waits briefly for the server's calls to end, then aborts them. */
export function closeRpcServer(server: grpc.Server): Promise<void> {
  return new Promise((resolve) => {
    const force = setTimeout(() => {
      server.forceShutdown();
      resolve();
    }, CLOSE_GRACE_MS);
    server.tryShutdown(() => {
      clearTimeout(force);
      resolve();
    });
  });
}
