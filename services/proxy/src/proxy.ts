import { type Clock, createCloser, type Logger } from "@fleet/base";
import type { TunnelLimits } from "@fleet/tunnel";
import type { Registry } from "prom-client";
import { createAgentRegistry } from "./agents/registry.js";
import { createAppHosts } from "./apps/address.js";
import { createAppProxy } from "./apps/app-proxy.js";
import { createAppConnections } from "./apps/connections.js";
import { createGatekeeper } from "./apps/gatekeeper.js";
import { createTokenVerifier } from "./apps/signed-token.js";
import { createAppStats } from "./apps/stats.js";
import { createConnectionLog } from "./connections/log.js";
import { drain } from "./drain.js";
import { createFrontDoor } from "./frontdoor/frontdoor.js";
import { createClientFacts, type TrustOptions } from "./http/client-facts.js";
import { type Listening, listen } from "./http/listen.js";
import { createPages } from "./http/pages.js";
import { createJumpHost } from "./jumphost/server.js";
import { ProxyMetrics } from "./metrics.js";
import { createRelayListener } from "./relay/listener.js";
import { createPeerReplicas } from "./relay/peers.js";
import { createRouteCache } from "./relay/routes.js";
import { createProxyServer, type Handlers, type TlsFiles } from "./server.js";
import { findUncoveredHosts } from "./session/certificate.js";
import type { Coderd } from "./session/coderd.js";
import { createStreamGrants } from "./session/grants.js";
import { type Session, startSession } from "./session/session.js";
import { createSettingsStore, type SettingsOverrides } from "./session/settings.js";
import { createAgentStreams } from "./ssh/agent-streams.js";
import { createStreamRelay } from "./ssh/stream.js";
import { createLiveStreams } from "./streams.js";
import { createTerminal } from "./terminal/terminal.js";
import { createTraffic } from "./traffic.js";
import { createTunnelAcceptor } from "./tunnel/accept.js";
import { createAgentGate } from "./tunnel/agent-gate.js";
import { createAgentDialer } from "./tunnel/dial.js";
import { createWrongKeys, type WrongKeys } from "./tunnel/wrong-keys.js";

export type ProxyOptions = {
  coderd: Coderd;
  /** coderd's HTTP address, for the front door. */
  coderdUrl: URL;
  /** `host:port`; port 0 picks a free one. */
  httpAddress: string;
  tls?: TlsFiles & { address: string };
  /** Address that other replicas connect to, and the address to advertise if it differs. */
  relay?: { address: string; advertise?: string };
  /** The SSH server: where it listens, the address to advertise if it differs, and whether it serves sessions. */
  ssh?: { address: string; advertise?: string; sessions: boolean };
  replicaId: string;
  hostname: string;
  overrides?: SettingsOverrides;
  trust?: TrustOptions;
  /** How long a drain keeps serving while load balancers stop sending traffic, in milliseconds. */
  drainDelayMs?: number;
  /** How long a drain then waits for open streams, in milliseconds. */
  drainMs: number;
  tunnelLimits?: Partial<TunnelLimits>;
  wrongKeys?: WrongKeys;
  /** How long coderd may send nothing on a request, in milliseconds. */
  coderdSilenceMs?: number;
  registry: Registry;
  clock: Clock;
  log: Logger;
};

export type ProxyReplica = AsyncDisposable & {
  /** `host:port` of the front door, its HTTPS address, the relay, and the SSH server. */
  readonly address: string;
  readonly tlsAddress: string | undefined;
  readonly relayAddress: string | undefined;
  readonly sshAddress: string | undefined;
  /** Why the replica is not ready for traffic; undefined if it is. */
  notReady(): string | undefined;
  /**
   * Sends agents to other replicas and keeps serving until load balancers stop sending traffic; then stops accepting
   * connections, waits for streams up to the limit, and closes.
   */
  drain(): Promise<void>;
  /** Closes immediately. */
  close(): Promise<void>;
};

/** Starts a proxy replica. Rejects if it cannot listen on an address. */
export async function startProxy(options: ProxyOptions): Promise<ProxyReplica> {
  const { coderd, clock, log, replicaId } = options;
  const closer = createCloser();
  let draining = false;

  let complaint: string | undefined;
  const settings = createSettingsStore(options.overrides, (told) => {
    const found = options.tls && findUncoveredHosts(options.tls.cert, told);
    if (found && found !== complaint) log.error(found);
    complaint = found;
  });
  const agents = createAgentRegistry(clock);
  const routes = createRouteCache({ coderd, replicaId, clock });
  const peers = createPeerReplicas({ settings, log });
  const dialer = createAgentDialer({ agents, routes, peers, clock });
  const grants = createStreamGrants({ coderd, clock, log });
  const streams = createLiveStreams(grants);
  const wrongKeys = options.wrongKeys ?? createWrongKeys(clock);
  const connections = createAppConnections(dialer);
  const gatekeeper = createGatekeeper({
    coderd,
    verify: createTokenVerifier(settings, clock),
    grants,
    clock,
  });
  const stats = createAppStats({ coderd, clock, log });
  const connectionLog = createConnectionLog({ coderd, replicaId, clock, log });
  const pages = createPages();
  const frontDoor = createFrontDoor({
    silenceMs: options.coderdSilenceMs,
    coderdUrl: options.coderdUrl,
    pages,
    clock,
    log,
    onRepeat: (reason) => metrics.repeated(reason),
  });
  const gate = createAgentGate({ coderd, settings, grants, wrongKeys });
  const hosts = createAppHosts(settings);
  const openStream = createAgentStreams({ dialer, streams, connectionLog });
  let session: Session | undefined;
  const metrics = new ProxyMetrics(options.registry, {
    agents: () => agents.size,
    liveStreams: () => streams.size,
    sessionConnected: () => session?.connected ?? false,
  });
  const traffic = createTraffic({ metrics, log });
  const jumpHost =
    options.ssh &&
    createJumpHost({
      coderd,
      settings,
      grants,
      openStream,
      wrongKeys,
      traffic,
      metrics,
      trustedOrigins: options.trust?.origins ?? [],
      ...options.ssh,
      clock,
      log,
    });
  const handlers: Handlers = {
    factsOf: createClientFacts(options.trust ?? { origins: [], headers: [] }),
    hosts,
    apps: createAppProxy({
      coderd,
      gatekeeper,
      connections,
      settings,
      streams,
      grants,
      stats,
      connectionLog,
      pages,
      hosts,
      clock,
      log,
    }),
    frontDoor,
    acceptTunnel: createTunnelAcceptor({
      coderd,
      agents,
      grants,
      wrongKeys,
      log,
      limits: options.tunnelLimits,
      draining: () => draining,
    }),
    terminal: createTerminal({ gate, dialer, streams, connectionLog, clock }),
    streams: createStreamRelay({ gate, openStream }),
    pages,
    traffic,
    knownHosts: () => jumpHost?.knownHosts(),
    draining: () => draining,
  };

  closer.add(() => grants.close());
  closer.add(() => stats.close());
  closer.add(() => connectionLog.close());
  closer.add(() => connections.close());
  closer.add(() => peers.close());
  closer.add(() => frontDoor.close());

  const listening: Listening[] = [];
  async function serve(address: string, variable: string, tls?: TlsFiles): Promise<string> {
    const bound = await listen(createProxyServer(handlers, tls), address, variable, log);
    listening.push(bound);
    closer.add(() => bound.close());
    return bound.address;
  }

  try {
    const address = await serve(options.httpAddress, "CODER_HTTP_ADDRESS");
    const tlsAddress = options.tls && (await serve(options.tls.address, "CODER_TLS_ADDRESS", options.tls));
    const relay = options.relay && createRelayListener({ settings, agents, replicaId, log });
    let relayAddress: string | undefined;
    if (relay && options.relay) {
      const bound = await listen(relay.server, options.relay.address, "CODER_PROXY_RELAY_ADDRESS", log);
      closer.add(() => bound.close());
      closer.add(() => relay.close());
      relayAddress = options.relay.advertise ?? bound.address;
    }
    closer.add(() => {
      for (const { tunnel } of agents.list()) tunnel.close("The proxy is shutting down.");
    });
    // After what it uses: it ends first.
    const sshAddress = await jumpHost?.listen(closer);
    session = startSession({
      coderd,
      agents,
      settings,
      replicaId,
      hostname: options.hostname,
      relayAddress: relayAddress ?? "",
      clock,
      log,
      onRouteChanged: (agentId) => routes.invalidate(agentId),
      onAccessChanged: grants.changed,
      onStateChange(connected) {
        if (!connected) return;
        routes.clear();
        gatekeeper.clear();
        grants.changed("all");
      },
    });
    closer.add(() => session?.close());
    log.info("The proxy is listening.", { address, relayAddress, sshAddress, replicaId });

    return {
      address,
      tlsAddress,
      relayAddress,
      sshAddress,
      notReady() {
        if (draining) return "The replica is draining.";
        return settings.current() ? undefined : "Not connected to coderd yet.";
      },
      async drain() {
        draining = true;
        log.info("The proxy is draining.", { agents: agents.size, streams: streams.size });
        const { drainDelayMs = 0, drainMs } = options;
        const nouns = { agents, streams, traffic, relay, clock };
        const stop = () => {
          jumpHost?.stop();
          for (const { stop } of listening) stop();
        };
        await drain({ ...nouns, drainDelayMs, drainMs, stop });
        await closer.close();
      },
      close: () => closer.close(),
      [Symbol.asyncDispose]: () => closer.close(),
    };
  } catch (error) {
    await closer.close().catch(() => {});
    throw error;
  }
}
