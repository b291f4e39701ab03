import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { type Clock, FleetError } from "@fleet/base";
import { MAX_MESSAGE_BYTES } from "@fleet/proto-gen";
import * as grpc from "@grpc/grpc-js";
import type { StreamGrant, StreamGrants } from "../grants/service.js";
import { closeRpcServer } from "./server.js";

/** How long a peer gets to read the end of its streams before its connection is closed. */
const CLOSE_GRACE_MS = 1_000;

/** A peer that may connect: who it is, and the grant by which it stays connected. */
export type Peer = { holder: string; grant: StreamGrant; decidedAtMs: number };

/** gRPC connections that arrive on the HTTP port, as upgraded HTTP/1.1 connections. */
export type UpgradedConnections = {
  /** Serves only what is added to it: peers reach no other service on their connections. */
  readonly server: grpc.Server;
  /** Serves gRPC to the authenticated peer on its upgraded HTTP connection. */
  accept(peer: Peer, request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Waits briefly for calls to end, then aborts them. */
  close(): Promise<void>;
};

/** Creates the gRPC server of the peers that upgrade to `protocol`. */
export function createUpgradedConnections(options: {
  protocol: string;
  /** Maximum connections per holder on this replica; a further one takes the place of the oldest. */
  perHolder: number;
  grants: StreamGrants;
  clock: Clock;
}): UpgradedConnections {
  const { protocol, perHolder, grants, clock } = options;
  const server = new grpc.Server({
    "grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
    "grpc.max_send_message_length": MAX_MESSAGE_BYTES,
    // Close the connection of a peer that hangs within 15 seconds.
    "grpc.keepalive_time_ms": 10_000,
    "grpc.keepalive_timeout_ms": 5_000,
  });
  const injector = server.createConnectionInjector(grpc.ServerCredentials.createInsecure());
  /** In the order of connection. */
  const open = new Map<string, Set<Duplex>>();

  function keep(holder: string, socket: Duplex): void {
    const sockets = open.get(holder) ?? new Set();
    open.set(holder, sockets.add(socket));
    const [oldest] = sockets;
    if (sockets.size > perHolder) oldest?.destroy();
    socket.once("close", () => {
      sockets.delete(socket);
      if (sockets.size === 0 && open.get(holder) === sockets) open.delete(holder);
    });
  }

  return {
    server,
    accept({ holder, grant, decidedAtMs }, request, socket, head) {
      if (request.headers.upgrade?.toLowerCase() !== protocol)
        throw new FleetError("invalid_argument", `This endpoint requires an upgrade to "${protocol}".`);
      keep(holder, socket);
      const release = grants.hold(grant, decidedAtMs, () => {
        clock.after(CLOSE_GRACE_MS, () => socket.destroy());
      });
      socket.once("close", release);
      socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${protocol}\r\n\r\n`);
      if (head.length > 0) socket.unshift(head);
      injector.injectConnection(socket);
    },
    close() {
      injector.drain(0);
      return closeRpcServer(server);
    },
  };
}
