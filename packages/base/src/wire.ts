/** Names that the programs of the fleet, and upstream's clients, agree on. */

/** Carries a session token, or an agent's; header names are case-insensitive. */
export const SESSION_HEADER = "coder-session-token";
/** The same as a cookie of the dashboard's origin, and as a query parameter. */
export const SESSION_COOKIE = "coder_session_token";

const BEARER = /^Bearer +([A-Za-z0-9\-._~+/]+=*) *$/i;

/**
 * The token of an `Authorization: Bearer` header (RFC 6750 §2.1), as OAuth2 clients send it. Sessions are looked for there
 * last, since a reverse proxy may send credentials of its own in this header.
 */
export function bearerToken(authorization: string | undefined): string | undefined {
  return BEARER.exec(authorization ?? "")?.[1];
}

/** Credentials of a provisioner daemon: the deployment's pre-shared key, or a key of an organization. */
export const DAEMON_PSK_HEADER = "coder-provisioner-daemon-psk";
export const DAEMON_KEY_HEADER = "coder-provisioner-daemon-key";

/**
 * Protocols in the `Upgrade` header: an agent's tunnel, calls to coderd by an agent and by an external provisioner
 * daemon, and one stream to an agent.
 */
export const TUNNEL_PROTOCOL = "coder-tunnel/1";
export const AGENT_RPC_PROTOCOL = "coder-agent-rpc/1";
export const PROVISIONER_RPC_PROTOCOL = "coder-provisioner-rpc/1";
export const STREAM_PROTOCOL = "coder-stream/1";

/** Ports below it are neither reported nor opened as apps, as in upstream (9 is the discard port). */
export const MIN_PORT = 9;
