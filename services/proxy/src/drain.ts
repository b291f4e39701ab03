import type { Clock } from "@fleet/base";
import type { AgentRegistry } from "./agents/registry.js";
import { LIMITS } from "./limits.js";
import type { RelayListener } from "./relay/listener.js";
import type { LiveStreams } from "./streams.js";
import type { Traffic } from "./traffic.js";

/**
 * Sends agents to other replicas and keeps serving until load balancers stop sending traffic; then stops accepting
 * connections, and waits for streams and requests up to the limit: docs/adr/0008-replicas-that-leave.md.
 */
export async function drain(options: {
  agents: AgentRegistry;
  streams: LiveStreams;
  traffic: Traffic;
  relay: Pick<RelayListener, "drain"> | undefined;
  clock: Clock;
  /** In milliseconds, both. */
  drainDelayMs: number;
  drainMs: number;
  /** Stops accepting connections. */
  stop(): void;
}): Promise<void> {
  const { agents, streams, traffic, relay, clock, drainDelayMs, drainMs } = options;
  // Agents dial another replica at once. Until all replicas know, this tunnel still reaches them.
  const seconds = Math.round((drainDelayMs + drainMs) / 1_000);
  const notice = `The server is restarting. This connection will be closed within ${seconds} seconds. Save your work and reconnect.`;
  // Plain SSH sessions cannot move to another replica, so their users get a notice.
  for (const { tunnel } of agents.list()) tunnel.retire(notice);
  for (const stream of streams.list()) {
    if (stream.kind === "ssh" && !stream.resumable && !agents.get(stream.agentId)) stream.tell?.(notice);
  }
  if (drainDelayMs > 0) await clock.sleep(drainDelayMs);
  options.stop();
  const tunnels = agents.list().map(({ tunnel }) => tunnel.drain("The replica is draining."));
  // They resume over another replica.
  streams.cut(({ resumable }) => resumable === true, "The proxy was shut down.");
  const limit = clock.sleep(drainMs);
  await Promise.race([Promise.all([...tunnels, relay?.drain(), streams.none()]), limit]);
  // Event streams never end by themselves; other requests get a moment to finish.
  await Promise.race([traffic.idle(), limit, clock.sleep(LIMITS.drainRequestsMs)]);
}
