/** Every bound of the proxy, in one place. Sizes are bytes, times milliseconds. */
export const LIMITS = {
  /** A request's line and headers together. */
  headerBytes: 256 * 1024,
  /** Streams of one HTTP/2 connection at once, and headers of one of them. */
  http2Streams: 256,
  http2Headers: 1_024,
  /** A client that takes longer to send its head is cut off. */
  headersTimeoutMs: 30_000,
  /** After this much silence the kernel asks whether a client is still there: one that vanished is let go soon after. */
  clientProbeMs: 60_000,
  /** Longer than the idle time of common load balancers (60 s), so that they close first. */
  keepAliveTimeoutMs: 75_000,
  /** Connections to coderd, in use and idle; each open stream of events holds one. */
  frontDoorConnections: 8192,
  frontDoorIdleConnections: 64,
  /** How long a request waits for a coderd that is away, over all its tries; and each try for a connection. */
  coderdPatienceMs: 15_000,
  coderdConnectMs: 3_000,
  /** A coderd that says nothing at all for this long, longer than any of its statements may take, hangs. */
  coderdSilenceMs: 65_000,
  /** A request with a larger body is not sent again, nor is one beyond what all bodies together may take. */
  repeatedBodyBytes: 1024 * 1024,
  repeatedBodiesBytes: 64 * 1024 * 1024,
  /** Streams that one agent may carry at once, over all its users. */
  streamsPerAgent: 2048,
  /** Terminals, SSH sessions, forwards and WebSockets that one user may hold at once. */
  streamsPerUser: 512,
  /** Connections to one app of one agent, in use and idle. More requests wait for their turn. */
  connectionsPerApp: 1024,
  /** An app's response headers together. */
  appHeaderBytes: 1024 * 1024,
  /** To coderd and to apps: shorter than the idle time of common web servers (5 s), so that requests rarely meet an end. */
  idleConnectionMs: 4_000,
  /** Wrong tokens that one address may show in a minute before its further ones are checked one at a time. */
  wrongKeysPerMinute: 512,
  wrongKeysWaiting: 256,
  wrongKeyAddresses: 10_000,
  /** Remembered decisions of coderd, and parsed signed tokens. */
  grants: 10_000,
  routes: 10_000,
  /** How long the answer "this agent is nowhere" is believed. */
  missingRouteMs: 2_000,
  /** How long a route is believed when nothing says that it changed. */
  routeMs: 60_000,
  openAgentTimeoutMs: 15_000,
  /** How long an agent that lost its replica is waited for; it dials another one within seconds. */
  agentReturnMs: 10_000,
  peerConnectTimeoutMs: 5_000,
  /** One message of a terminal's client: a large paste. */
  terminalMessageBytes: 1024 * 1024,
  /** Output that waits for a terminal's browser; beyond it the agent is slowed down. */
  terminalBufferBytes: 512 * 1024,
  terminalPingMs: 20_000,
  /** A page that asked for heartbeats gives its terminal's connection up after 9 s without one. */
  terminalHeartbeatMs: 3_000,
  /** How long a shutdown waits for plain requests, after streams have ended. */
  drainRequestsMs: 3_000,
  appSessions: 10_000,
  appStatsFlushMs: 30_000,
} as const;
