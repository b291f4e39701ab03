/** Names that the programs of the fleet, and upstream's clients, agree on. */

/** Carries a session token, or an agent's; header names are case-insensitive. */
export const SESSION_HEADER = "coder-session-token";
/** The same as a cookie of the dashboard's origin, and as a query parameter. */
export const SESSION_COOKIE = "coder_session_token";

/** Protocols in the `Upgrade` header: an agent's tunnel, an agent's calls to coderd, and one stream to an agent. */
export const TUNNEL_PROTOCOL = "coder-tunnel/1";
export const AGENT_RPC_PROTOCOL = "coder-agent-rpc/1";
export const STREAM_PROTOCOL = "coder-stream/1";

/** Ports below it are neither reported nor opened as apps, as in upstream (9 is the discard port). */
export const MIN_PORT = 9;
