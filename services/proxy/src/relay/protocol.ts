import type { FleetError } from "@fleet/base";
import { isReset, StreamReset, type TunnelLimits } from "@fleet/tunnel";

/** The protocol between replicas: an HTTP/1.1 Upgrade, then one tunnel that carries the streams of all agents. */
export const RELAY_PROTOCOL = "coder-relay/1";
/** The deployment's relay token, which proves that the caller is one of its replicas. */
export const RELAY_TOKEN_HEADER = "coder-relay-token";
/** The replica that the caller expects: its address may have been reassigned to another one. */
export const RELAY_REPLICA_HEADER = "coder-relay-replica";
/** The stream metadata key that holds the agent's id. */
export const RELAY_AGENT = "relay-agent";

/** One tunnel between replicas carries what many agents' tunnels carry. */
export const RELAY_LIMITS: Partial<TunnelLimits> = { maxStreams: 32_768, receiveBuffer: 256 * 1024 * 1024 };

/** The error of a replica that does not hold the agent. */
export function agentNotHere(): FleetError {
  return new StreamReset(
    "agent_not_here",
    "failed_precondition",
    "The agent is not connected to this replica.",
  );
}

/** Distinguishes that error from the agent's own. */
export function isAgentNotHere(error: unknown): boolean {
  return isReset(error, "agent_not_here");
}
