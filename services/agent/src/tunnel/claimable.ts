import type { TunnelSessions } from "./sessions.js";

/** Tunnels of a workspace that may be claimed: then it has another agent, under which a proxy has to know the tunnel. */
export type ClaimableTunnels = {
  run: TunnelSessions;
  /** Ends the tunnels of the agent that this process was; the next one is dialed without delay. */
  claim(): void;
};

export function createClaimableTunnels(session: TunnelSessions): ClaimableTunnels {
  let unclaimed = new AbortController();
  return {
    async run(signal) {
      const { signal: claimed } = unclaimed;
      await session(AbortSignal.any([signal, claimed]));
      if (claimed.aborted && !signal.aborted) await session(AbortSignal.any([signal, unclaimed.signal]));
    },
    claim() {
      const before = unclaimed;
      unclaimed = new AbortController();
      before.abort();
    },
  };
}
