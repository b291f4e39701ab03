import type { Socket } from "node:net";
import { AGENT_RPC_PROTOCOL, SESSION_HEADER, TUNNEL_PROTOCOL } from "@fleet/base";
import { upgrade } from "@fleet/base/upgrade";
import { createBridge, createGrpcClient, type GrpcClient } from "@fleet/proto-gen";
import { AgentService } from "@fleet/proto-gen/agent";

export type AgentClient = GrpcClient<(typeof AgentService)["method"]>;

export type ConnectOptions = {
  /** The deployment's URL, http or https. */
  accessUrl: string;
  /** The agent's token. */
  token: string;
  signal?: AbortSignal;
};

/** The agent's control plane: one connection to coderd, through the proxy. */
export type AgentConnection = {
  client: AgentClient;
  /** Resolves when the connection is gone, whoever ended it. Dial a new one then. */
  closed: Promise<void>;
  close(): void;
};

/** Opens the control plane. Rejects as `upgrade` does: `unauthenticated` if the token is not, or no longer, valid. */
export async function connectAgent({ accessUrl, token, signal }: ConnectOptions): Promise<AgentConnection> {
  const socket = await upgrade({
    accessUrl,
    path: "/api/v2/workspaceagents/me/rpc",
    protocol: AGENT_RPC_PROTOCOL,
    headers: { [SESSION_HEADER]: token },
    signal,
  });
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  socket.on("error", () => {}); // `close` follows.
  const bridge = await createBridge(socket);
  const client = createGrpcClient(AgentService, {
    address: bridge.address,
    metadata: () => ({ "coder-agent-token": token }),
    // A proxy or a sleeping laptop may lose the connection silently.
    channelOptions: {
      "grpc.keepalive_time_ms": 10_000,
      "grpc.keepalive_timeout_ms": 5_000,
      // Each bridge is its own channel: two agents in one process must not share one.
      "grpc.use_local_subchannel_pool": 1,
    },
  });
  return {
    client,
    closed,
    close() {
      client.close();
      bridge.close();
    },
  };
}

/**
 * Opens the data plane: a raw connection to the proxy, on which `@fleet/tunnel` runs with this end as its client.
 * Rejects as `connectAgent` does.
 */
export function dialTunnel({ accessUrl, token, signal }: ConnectOptions): Promise<Socket> {
  return upgrade({
    accessUrl,
    path: "/api/v2/workspaceagents/me/tunnel",
    protocol: TUNNEL_PROTOCOL,
    headers: { [SESSION_HEADER]: token },
    signal,
  });
}
