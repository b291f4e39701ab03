import type { Clock } from "@fleet/base";
import type { Tunnel } from "@fleet/tunnel";

/** An agent whose tunnel ends at this replica. */
export type ConnectedAgent = {
  readonly agentId: string;
  readonly workspaceId: string;
  /** Milliseconds since the epoch; of two tunnels of one agent, the later is the newer. */
  readonly connectedAtMs: number;
  readonly tunnel: Tunnel;
};

export type AgentListener = {
  onConnected(agent: ConnectedAgent): void;
  onDisconnected(agent: ConnectedAgent): void;
};

/** The agents of this replica: one tunnel for each, the newest. */
export type AgentRegistry = {
  get(agentId: string): ConnectedAgent | undefined;
  list(): ConnectedAgent[];
  readonly size: number;
  /** Adds a tunnel and closes the one that it replaces. */
  connect(agent: { agentId: string; workspaceId: string; tunnel: Tunnel }): ConnectedAgent;
  /** Closes the agent's tunnel, if there is one. */
  disconnect(agentId: string, reason: string): void;
  /** Reports each agent that connects or disconnects, until the returned function is called. */
  subscribe(listener: AgentListener): () => void;
};

export function createAgentRegistry(clock: Clock): AgentRegistry {
  const agents = new Map<string, ConnectedAgent>();
  const listeners = new Set<AgentListener>();

  function remove(agent: ConnectedAgent): void {
    if (agents.get(agent.agentId) !== agent) return;
    agents.delete(agent.agentId);
    for (const listener of listeners) listener.onDisconnected(agent);
  }

  return {
    get: (agentId) => agents.get(agentId),
    list: () => [...agents.values()],
    get size() {
      return agents.size;
    },
    connect({ agentId, workspaceId, tunnel }) {
      const previous = agents.get(agentId);
      const connectedAtMs = Math.max(clock.now().getTime(), (previous?.connectedAtMs ?? 0) + 1);
      const agent: ConnectedAgent = { agentId, workspaceId, tunnel, connectedAtMs };
      agents.set(agentId, agent);
      previous?.tunnel.close("The agent opened a newer tunnel.");
      for (const listener of listeners) listener.onConnected(agent);
      void tunnel.closed.then(() => remove(agent));
      return agent;
    },
    disconnect(agentId, reason) {
      const agent = agents.get(agentId);
      if (!agent) return;
      remove(agent);
      agent.tunnel.close(reason);
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
