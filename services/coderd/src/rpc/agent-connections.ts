import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { AGENT_RPC_PROTOCOL, type Clock, FleetError } from "@fleet/base";
import { MAX_MESSAGE_BYTES } from "@fleet/proto-gen";
import * as grpc from "@grpc/grpc-js";
import type { Agents } from "../agents/service.js";
import type { AgentActor } from "../auth/actor.js";
import type { StreamGrants } from "../grants/service.js";
import { agentGrant } from "./agent.js";
import { closeRpcServer } from "./server.js";

/** Maximum connections per agent on this replica: it needs one, and briefly a second when reconnecting. */
const CONNECTIONS_PER_AGENT = 4;
/** How long a replaced agent gets to read the end of its control stream. */
const CLOSE_GRACE_MS = 1_000;

export type AgentConnections = {
  /** Serves only coder.agent.v1: agents cannot reach any other service on their connections. */
  readonly server: grpc.Server;
  /** Serves gRPC to the authenticated agent on its upgraded HTTP connection. */
  accept(
    agent: AgentActor,
    decidedAtMs: number,
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
  ): void;
  /** Waits briefly for calls to end, then aborts them. */
  close(): Promise<void>;
};

/** Agents' control connections, which arrive on the HTTP port. */
export function createAgentConnections(options: {
  agents: Agents;
  grants: StreamGrants;
  clock: Clock;
}): AgentConnections {
  const { agents, grants, clock } = options;
  const server = new grpc.Server({
    "grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
    "grpc.max_send_message_length": MAX_MESSAGE_BYTES,
    // Close the connection of an agent that hangs within 15 seconds.
    "grpc.keepalive_time_ms": 10_000,
    "grpc.keepalive_timeout_ms": 5_000,
  });
  const injector = server.createConnectionInjector(grpc.ServerCredentials.createInsecure());
  /** In the order of connection. */
  const open = new Map<string, Set<Duplex>>();

  function keep(agentId: string, socket: Duplex): void {
    const sockets = open.get(agentId) ?? new Set();
    open.set(agentId, sockets.add(socket));
    const [oldest] = sockets;
    if (sockets.size > CONNECTIONS_PER_AGENT) oldest?.destroy();
    socket.once("close", () => {
      sockets.delete(socket);
      if (sockets.size === 0 && open.get(agentId) === sockets) open.delete(agentId);
    });
  }

  return {
    server,
    accept(agent, decidedAtMs, request, socket, head) {
      if (request.headers.upgrade?.toLowerCase() !== AGENT_RPC_PROTOCOL)
        throw new FleetError(
          "invalid_argument",
          `This endpoint requires an upgrade to "${AGENT_RPC_PROTOCOL}".`,
        );
      keep(agent.agentId, socket);
      const ask = () => agents.requireCurrent(agent.agentId);
      const release = grants.hold(agentGrant(agent, ask), decidedAtMs, () => {
        clock.after(CLOSE_GRACE_MS, () => socket.destroy());
      });
      socket.once("close", release);
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${AGENT_RPC_PROTOCOL}\r\n\r\n`,
      );
      if (head.length > 0) socket.unshift(head);
      injector.injectConnection(socket);
    },
    close() {
      injector.drain(0);
      return closeRpcServer(server);
    },
  };
}
