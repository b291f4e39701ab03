import { abortable, type BackoffPolicy, type Clock, createBackoff, FleetError } from "@fleet/base";
import type { StreamHeader, TunnelStream } from "@fleet/tunnel";
import type { AgentRegistry } from "../agents/registry.js";
import { LIMITS } from "../limits.js";
import { type PeerReplicas, RouteFailed } from "../relay/peers.js";
import type { RouteCache } from "../relay/routes.js";

/** How often to look for an agent that is expected to reconnect. */
const RETURN: BackoffPolicy = { initialMs: 100, maxMs: 500, factor: 2 };

/** No replica holds a tunnel of the agent. */
export class AgentNotConnected extends FleetError {
  constructor(options: { cause?: unknown } = {}) {
    super(
      "unavailable",
      "The workspace agent is not connected. Check that the workspace is running.",
      options,
    );
  }
}

export type AgentDialer = {
  /** Opens a stream to the agent on any replica, and waits until the agent accepts it. */
  open(agentId: string, header: StreamHeader, signal?: AbortSignal): Promise<TunnelStream>;
  /**
   * The same without waiting for an agent of this replica to accept: a refusal destroys the stream with its error.
   */
  openNow(agentId: string, header: StreamHeader): TunnelStream | Promise<TunnelStream>;
};

export type AgentDialerOptions = {
  agents: AgentRegistry;
  routes: RouteCache;
  peers: PeerReplicas;
  clock: Clock;
  streamsPerAgent?: number;
};

export function createAgentDialer(options: AgentDialerOptions): AgentDialer {
  const { agents, routes, peers, clock, streamsPerAgent = LIMITS.streamsPerAgent } = options;
  const open = new Map<string, number>();

  function reserve(agentId: string): () => void {
    const held = open.get(agentId) ?? 0;
    if (held >= streamsPerAgent) {
      throw new FleetError(
        "resource_exhausted",
        `The workspace has ${held} open connections, which is the limit. Close some, then try again.`,
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
    const pause = createBackoff(RETURN);
    const until = clock.now().getTime() + LIMITS.agentReturnMs;
    for (let attempt = 1; ; attempt++) {
      const { routes: found, expected } = await abortable(routes.lookup(agentId), signal).catch(
        (error: unknown) => {
          throw signal.aborted ? error : new AgentNotConnected({ cause: error });
        },
      );
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
      // A route may be stale when it is used, and an agent may be reconnecting to another replica.
      const again = expected ? clock.now().getTime() < until : attempt < 2 && found.length > 0;
      if (!again) throw new AgentNotConnected({ cause: failure });
      await clock.sleep(pause.next(), signal);
      if (agents.get(agentId)) return dial(agentId, header, signal);
    }
  }

  async function dial(agentId: string, header: StreamHeader, signal: AbortSignal): Promise<TunnelStream> {
    const local = agents.get(agentId);
    if (!local) return openElsewhere(agentId, header, signal);
    try {
      return await local.tunnel.open(header, { signal });
    } catch (error) {
      // A refusal by the agent is final; a tunnel that closed in the meantime is not.
      if (signal.aborted || agents.get(agentId) === local) throw error;
      return dial(agentId, header, signal);
    }
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
          throw new FleetError("deadline_exceeded", "Timed out waiting for the workspace agent.", {
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
