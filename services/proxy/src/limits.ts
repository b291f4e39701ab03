/** All limits of the proxy. Sizes are in bytes, times in milliseconds. */
export const LIMITS = {
  /** Request line and headers of a request. */
  headerBytes: 256 * 1024,
  /** Concurrent streams of one HTTP/2 connection, and header size of each. */
  http2Streams: 256,
  http2Headers: 1_024,
  /** Timeout for receiving a request's head. */
  headersTimeoutMs: 30_000,
  /** TCP keepalive: the kernel probes a client after this long without traffic, and drops one that vanished. */
  clientProbeMs: 60_000,
  /** Longer than the idle timeout of common load balancers (60 s), so that they close first. */
  keepAliveTimeoutMs: 75_000,
  /** Connections to coderd, active and idle; each open event stream uses one. */
  frontDoorConnections: 8192,
  frontDoorIdleConnections: 64,
  /** How long a request waits for an unavailable coderd over all attempts, and the connect timeout of each attempt. */
  coderdPatienceMs: 15_000,
  coderdConnectMs: 3_000,
  /** coderd counts as hung after sending nothing for this long, which exceeds the timeout of its SQL statements. */
  coderdSilenceMs: 65_000,
  /** Maximum size of a body that is buffered for retries, and of all such bodies together. */
  repeatedBodyBytes: 1024 * 1024,
  repeatedBodiesBytes: 64 * 1024 * 1024,
  /** Concurrent streams of one agent, over all users. */
  streamsPerAgent: 2048,
  /** Concurrent terminals, SSH sessions, port forwards and WebSockets of one user. */
  streamsPerUser: 512,
  /** Connections to one app of one agent, active and idle. Further requests wait. */
  connectionsPerApp: 1024,
  /** Total size of an app's response headers. */
  appHeaderBytes: 1024 * 1024,
  /**
   * Idle timeout of connections to coderd and apps; shorter than that of common web servers (5 s), so that the proxy
   * closes first.
   */
  idleConnectionMs: 4_000,
  /** Invalid tokens per minute and address before further ones are checked one at a time. */
  wrongKeysPerMinute: 512,
  wrongKeysWaiting: 256,
  wrongKeyAddresses: 10_000,
  /** Cached decisions of coderd, and parsed signed tokens. */
  grants: 10_000,
  routes: 10_000,
  /** How long the answer "no replica holds this agent" is cached. */
  missingRouteMs: 2_000,
  /** How long a route is cached if no change is reported. */
  routeMs: 60_000,
  openAgentTimeoutMs: 15_000,
  /** How long to wait for an agent that lost its replica; it dials another one within seconds. */
  agentReturnMs: 10_000,
  peerConnectTimeoutMs: 5_000,
  /** Maximum size of one message from a terminal's client, such as a large paste. */
  terminalMessageBytes: 1024 * 1024,
  /** Output buffered for a terminal's browser; beyond this, backpressure applies to the agent. */
  terminalBufferBytes: 512 * 1024,
  terminalPingMs: 20_000,
  /** Heartbeat interval of terminals; the page reconnects after 9 s without one. */
  terminalHeartbeatMs: 3_000,
  /** How long shutdown waits for ordinary requests after streams have ended. */
  drainRequestsMs: 3_000,
  appSessions: 10_000,
  /** Interval of reports to the connection log; how often at least, to tell that open connections still are. */
  connectionReportMs: 1_000,
  connectionsAliveMs: 60_000,
  connectionsPerReport: 500,
  /** Connections kept while coderd is unavailable. */
  connectionsWaiting: 10_000,
  /** Users of apps that are followed, and how long after its last request a visit has ended. */
  visits: 10_000,
  visitIdleMs: 10 * 60_000,
  /** Maximum stored length of a User-Agent, in characters. */
  userAgentLength: 512,
  /** SSH clients that have not signed in: of one address and in total, and how long they may take. */
  sshPendingPerAddress: 64,
  sshPending: 512,
  sshSignInMs: 120_000,
  /** Attempts to sign in on one connection; clients try each key of their agent. */
  sshAttempts: 20,
  /** SSH clients that wait for their user in the browser, of one address; how often coderd is asked. */
  sshLinksPerAddress: 16,
  sshLinkPollMs: 1_000,
  /** SSH clients in total, and how long one may be connected without using it. */
  sshClients: 10_000,
  sshIdleMs: 10 * 60_000,
  /** Connections to workspaces of one SSH client; a client that jumps uses one. */
  sshStreamsPerClient: 64,
  /** How long a load balancer may take to name the client, and a client to receive a disconnect message. */
  proxyHeaderMs: 2_000,
  sshFarewellMs: 2_000,
  /** Timeout of the SSH handshake with an agent. */
  sshAgentHandshakeMs: 15_000,
  appStatsFlushMs: 30_000,
  /** How long a request waits for its workspace to start, which is less than clients and load balancers wait. */
  wakeHoldMs: 45_000,
  heldRequests: 1_000,
  /** What such a request is told to wait then, and how often a browser's page asks. */
  wakeRetrySeconds: 5,
  wakeReloadSeconds: 2,
  /** How long a client does not ask again for the start of the same workspace, and how many are remembered. */
  wakeAgainMs: 3_000,
  wakes: 10_000,
} as const;
