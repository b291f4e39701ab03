import { abortable, FleetError } from "@fleet/base";
import type { StreamHeader, TunnelStream } from "@fleet/tunnel";
import { LIMITS } from "../limits.js";
import { type PeerReplicas, RouteFailed } from "../relay/peers.js";
import type { RouteCache } from "../relay/routes.js";
import type { AgentRegistry } from "./registry.js";

/** No replica holds a tunnel of the agent. */
export class AgentNotConnected extends FleetError {
  constructor(options: { cause?: unknown } = {}) {
    super(
      "unavailable",
      "The workspace's agent is not connected. See that the workspace is running.",
      options,
    );
  }
}

export type AgentDialer = {
  /** Opens a stream to the agent, wherever its tunnel is, and waits until the agent accepts it. */
  open(agentId: string, header: StreamHeader, signal?: AbortSignal): Promise<TunnelStream>;
  /**
   * The same for requests in a hurry: an agent of this replica is not waited for. What it refuses destroys the stream
   * with its error.
   */
  openNow(agentId: string, header: StreamHeader): TunnelStream | Promise<TunnelStream>;
};

export type AgentDialerOptions = {
  agents: AgentRegistry;
  routes: RouteCache;
  peers: PeerReplicas;
  streamsPerAgent?: number;
};

export function createAgentDialer(options: AgentDialerOptions): AgentDialer {
  const { agents, routes, peers, streamsPerAgent = LIMITS.streamsPerAgent } = options;
  const open = new Map<string, number>();

  function reserve(agentId: string): () => void {
    const held = open.get(agentId) ?? 0;
    if (held >= streamsPerAgent) {
      throw new FleetError(
        "resource_exhausted",
        `The workspace has ${held} connections open. Close some, then try again.`,
      );
    }
    open.set(agentId, held + 1);
    return () => {
      const left = open.get(agentId)! - 1;
      if (left > 0) open.set(agentId, left);
      else open.delete(agentId);
    };
  }

  async function openElsewhere(
    agentId: string,
    header: StreamHeader,
    signal: AbortSignal,
  ): Promise<TunnelStream> {
    // Twice: a route may be out of date by the time that it is used.
    for (let attempt = 1; ; attempt++) {
      const found = await abortable(routes.lookup(agentId), signal).catch((error: unknown) => {
        throw signal.aborted ? error : new AgentNotConnected({ cause: error });
      });
      let failure: unknown;
      for (const route of found) {
        try {
          return await peers.open(route, agentId, header, signal);
        } catch (error) {
          if (!(error instanceof RouteFailed) || signal.aborted) throw error;
          failure = error;
        }
      }
      routes.invalidate(agentId);
      if (attempt === 2 || found.length === 0) throw new AgentNotConnected({ cause: failure });
    }
  }

  async function dial(agentId: string, header: StreamHeader, signal: AbortSignal): Promise<TunnelStream> {
    const local = agents.get(agentId);
    if (local) return local.tunnel.open(header, { signal });
    return openElsewhere(agentId, header, signal);
  }

  return {
    async open(agentId, header, signal) {
      const release = reserve(agentId);
      const timeout = AbortSignal.timeout(LIMITS.openAgentTimeoutMs);
      try {
        const stream = await dial(agentId, header, signal ? AbortSignal.any([signal, timeout]) : timeout);
        stream.once("close", release);
        return stream;
      } catch (error) {
        release();
        if (timeout.aborted) {
          throw new FleetError("deadline_exceeded", "The workspace's agent did not answer in time.", {
            cause: error,
          });
        }
        throw error;
      }
    },
    openNow(agentId, header) {
      const local = agents.get(agentId);
      if (!local) return this.open(agentId, header);
      const release = reserve(agentId);
      try {
        const stream = local.tunnel.openNow(header);
        stream.once("close", release);
        return stream;
      } catch (error) {
        release();
        throw error;
      }
    },
  };
}
