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

/** Connections of one agent at this replica: it needs one, and has another for a moment when it lost the first. */
const CONNECTIONS_PER_AGENT = 4;
/** How long an agent that was replaced may take to read that its control stream has ended. */
const CLOSE_GRACE_MS = 1_000;

export type AgentConnections = {
  /** Carries coder.agent.v1 and no other service: what agents may call is all that there is on their connections. */
  readonly server: grpc.Server;
  /** Lets the agent, who has been authenticated, speak gRPC on the connection of its HTTP upgrade. */
  accept(
    agent: AgentActor,
    decidedAtMs: number,
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
  ): void;
  /** Waits a moment for calls to end, then ends them. */
  close(): Promise<void>;
};

/** The control connections of agents, which come through the front door. */
export function createAgentConnections(options: {
  agents: Agents;
  grants: StreamGrants;
  clock: Clock;
}): AgentConnections {
  const { agents, grants, clock } = options;
  const server = new grpc.Server({
    "grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
    "grpc.max_send_message_length": MAX_MESSAGE_BYTES,
    // An agent that hangs loses its connection within a quarter of a minute.
    "grpc.keepalive_time_ms": 10_000,
    "grpc.keepalive_timeout_ms": 5_000,
  });
  const injector = server.createConnectionInjector(grpc.ServerCredentials.createInsecure());
  /** In the order in which they came. */
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
