import type { IncomingMessage, Server } from "node:http";
import type { AddressInfo } from "node:net";
import {
  AGENT_RPC_PROTOCOL,
  type Clock,
  createCloser,
  errorMessage,
  FleetError,
  formatAddress,
  type Logger,
  PROVISIONER_RPC_PROTOCOL,
  parseAddress,
  surviveRefusedConnections,
} from "@fleet/base";
import { type Tracer, trace } from "@opentelemetry/api";
import { Registry } from "prom-client";
import type { ScryptCost } from "./auth/passwords.js";
import type { Config } from "./config.js";
import { migrate } from "./database/migrate.js";
import { requireKeys } from "./dbcrypt/store.js";
import { createDomain, type Domain } from "./domain.js";
import { type StreamGrants, startGrants } from "./grants/service.js";
import { createAccessChangeStore } from "./grants/store.js";
import { createAuthenticator } from "./http/authenticator.js";
import { createHandlers } from "./http/handlers.js";
import { ApiMetrics, observeRequests, observeSockets } from "./http/observe.js";
import { createRateLimiter } from "./http/ratelimit.js";
import { createHttpServer, type HttpServer } from "./http/server.js";
import { sessionCookieName } from "./http/session-cookie.js";
import { mountStatic } from "./http/static.js";
import { createStreamOpener } from "./http/streams.js";
import { countRuns } from "./jobs/runner.js";
import { registerDeploymentMetrics } from "./metrics/deployment.js";
import { registerInsightMetrics } from "./metrics/insights.js";
import { createMetricsStore } from "./metrics/store.js";
import { startPeriodicWork } from "./periodic.js";
import { openPlatform, type Platform } from "./platform.js";
import type { ClaimedJob } from "./provisionerjobs/store.js";
import { connectedWithin } from "./redis.js";
import { agentGrant, serveAgents } from "./rpc/agent.js";
import { observeCalls } from "./rpc/observe.js";
import {
  credentialsIn,
  daemonGrant,
  type ProvisionerRpcOptions,
  serveProvisioners,
} from "./rpc/provisioner.js";
import { serveProxies } from "./rpc/proxy.js";
import { closeRpcServer, createRpcServer, type RpcServer } from "./rpc/server.js";
import { createUpgradedConnections, type UpgradedConnections } from "./rpc/upgraded-connections.js";

/** Maximum connections per agent on this replica: it needs one, and briefly a second when reconnecting. */
const CONNECTIONS_PER_AGENT = 4;
/** The same for the external daemons that share a key, or a user's session. */
const CONNECTIONS_PER_DAEMON_KEY = 1_000;
/** How long startup waits for Redis before going on without it. */
const REDIS_WAIT_MS = 2_000;

export type CoderdOptions = {
  config: Config;
  logger: Logger;
  clock?: Clock;
  registry?: Registry;
  tracer?: Tracer;
  /** Cheaper password hashes, for tests. */
  passwordCost?: ScryptCost;
};

/** A running coderd. Any number of replicas share one Postgres and one Redis. */
export type Coderd = AsyncDisposable & {
  readonly httpUrl: string;
  readonly grpcAddress: string;
  readonly domain: Domain;
  /** Rejects with the reason if it should not receive traffic. */
  ready(): Promise<void>;
  /**
   * Stops being ready, keeps serving until load balancers use other replicas, then closes open connections and stops.
   */
  close(): Promise<void>;
};

/** Migrates the database, then serves. If a step fails, everything already opened is closed. */
export async function createCoderd(options: CoderdOptions): Promise<Coderd> {
  const { config, logger, registry = new Registry(), tracer = trace.getTracer("coderd") } = options;
  const closer = createCloser();
  let stopping = false;
  try {
    if (config.CODER_MIGRATIONS_DIR) {
      await migrate(config.CODER_PG_CONNECTION_URL, config.CODER_MIGRATIONS_DIR, logger);
    }
    const platform = openPlatform(options, closer);
    await connectedWithin(platform.redis, REDIS_WAIT_MS, platform.clock);
    await requireKeys(platform.encrypted, platform.crypt);
    const domain = createDomain(platform, { ...options, registry });
    closer.add(() => domain.policyEvaluator.close());
    const { db, clock } = platform;
    closer.add(() => domain.externalAuth.close());
    registerDeploymentMetrics({
      store: createMetricsStore(db),
      connections: platform.connections,
      clock,
      registry,
      agentStats: config.CODER_PROMETHEUS_COLLECT_AGENT_STATS
        ? config.CODER_PROMETHEUS_AGGREGATE_AGENT_STATS_BY
        : undefined,
    });
    if (config.CODER_PROMETHEUS_COLLECT_AGENT_STATS && config.CODER_STATS_COLLECTION_USAGE_STATS_ENABLE)
      registerInsightMetrics({ registry, store: domain.insightStore, clock });
    await domain.organizationStore.ensureDefault();

    const grants = await startGrants({ store: createAccessChangeStore(db), clock, logger });
    closer.add(() => grants.close());
    const replica = await domain.replicas.start();
    closer.add(() => replica.close());
    closer.add(() => domain.agentStats.close());
    closer.add(() => domain.presence.close());
    const sending = domain.deliveries.start(domain.channels);
    closer.add(() => domain.syslog?.close());
    closer.add(() => sending.close());
    const periodic = startPeriodic(platform, domain, registry);
    closer.add(() => periodic.close());

    const rpc = createRpcServer();
    const agentConnections = createUpgradedConnections({
      protocol: AGENT_RPC_PROTOCOL,
      perHolder: CONNECTIONS_PER_AGENT,
      grants,
      clock,
    });
    closer.add(() => agentConnections.close());
    const daemonConnections = createUpgradedConnections({
      protocol: PROVISIONER_RPC_PROTOCOL,
      perHolder: CONNECTIONS_PER_DAEMON_KEY,
      grants,
      clock,
    });
    closer.add(() => daemonConnections.close());
    const running: Running = {
      grants,
      agentConnections,
      daemonConnections,
      registry,
      tracer,
      stopping: () => stopping,
    };
    serveRpc(rpc, platform, domain, running);
    const grpcPort = await rpc.listen(config.CODER_GRPC_ADDRESS);
    closer.add(() => closeRpcServer(rpc.server));

    const http = createHttp(platform, domain, running);
    const { host, port } = parseAddress(config.CODER_HTTP_ADDRESS);
    await listen(http.server, host, port);
    surviveRefusedConnections(http.server, logger);
    closer.add(() => http.close());

    async function drain(): Promise<void> {
      stopping = true;
      http.drain();
      if (config.CODER_DRAIN_DELAY > 0) await clock.sleep(config.CODER_DRAIN_DELAY);
      await closer.close();
    }
    let closing: Promise<void> | undefined;
    const close = () => {
      closing ??= drain();
      return closing;
    };

    return {
      httpUrl: `http://${formatAddress({ host, port: (http.server.address() as AddressInfo).port })}`,
      grpcAddress: formatAddress({ host: parseAddress(config.CODER_GRPC_ADDRESS).host, port: grpcPort }),
      domain,
      async ready() {
        if (stopping) throw new FleetError("unavailable", "coderd is shutting down.");
        await db.$queryRaw`SELECT 1`.catch((cause: unknown) => {
          throw new FleetError("unavailable", "Could not connect to Postgres.", { cause });
        });
      },
      close,
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await closer.close();
    throw error;
  }
}

/** What this replica's servers share besides the platform and the domain. */
type Running = {
  grants: StreamGrants;
  agentConnections: UpgradedConnections;
  /** External provisioner daemons. */
  daemonConnections: UpgradedConnections;
  registry: Registry;
  tracer: Tracer;
  stopping(): boolean;
};

function startPeriodic(
  { config, db, redis, pubsub, crypt, encrypted, clock, logger }: Platform,
  domain: Domain,
  registry: Registry,
): { close(): Promise<void> } {
  const { jobStore, queue, kinds, onEnd, builds, restarts, plans, surveys, policies } = domain;
  const { lifecycleStore, daemonStore, audit, notifier, buildEvents, agentMetadata } = domain;
  return startPeriodicWork({
    jobStore,
    queue,
    kinds,
    onEnd,
    jobLostAfterMs: config.CODER_JOB_LOST_AFTER,
    schedulesEveryMs: config.CODER_AUTOBUILD_POLL_INTERVAL,
    encrypted,
    crypt,
    oidcTokens: domain.oidcTokens,
    statesKept: config.CODER_WORKSPACE_STATE_HISTORY,
    retention: {
      auditLogs: config.CODER_AUDIT_LOGS_RETENTION,
      connectionLogs: config.CODER_CONNECTION_LOGS_RETENTION,
      apiKeys: config.CODER_API_KEYS_RETENTION,
      agentLogs: config.CODER_WORKSPACE_AGENT_LOGS_RETENTION,
    },
    builds,
    restarts,
    plans,
    surveys,
    rollouts: domain.rollouts,
    prebuilds: domain.prebuilds,
    prebuildsMs: config.CODER_WORKSPACE_PREBUILDS_RECONCILIATION_INTERVAL,
    policies,
    lifecycleStore,
    holdStore: domain.holdStore,
    audit,
    notifier,
    buildEvents,
    daemonStore,
    agentMetadata,
    insights: domain.insights,
    db,
    redis,
    prefix: config.CODER_REDIS_PREFIX,
    pubsub,
    clock,
    logger,
    onRun: countRuns(registry),
  });
}

/**
 * The gRPC services: agents and external provisioners reach theirs on the HTTP port, proxies and the deployment's own
 * provisioners on the gRPC port.
 */
function serveRpc(
  rpc: RpcServer,
  { config, pubsub, clock, logger }: Platform,
  domain: Domain,
  { grants, agentConnections, daemonConnections, registry, tracer, stopping }: Running,
): void {
  const observe = observeCalls({ registry, tracer, logger });
  const accessUrl = config.CODER_ACCESS_URL;
  const wildcardHostname = config.CODER_WILDCARD_ACCESS_URL;
  const { agents, agentStore, agentLogs, agentMetadata, agentStats, agentPorts, presence } = domain;
  const { apiKeys, apps, terminals, proxies, routes, cryptoKeys } = domain;
  const { provisionerDaemons, assignments, stateStore, versionWorkStore, archives, applyGate, dispatcher } =
    domain;
  serveAgents(agentConnections.server, {
    agents,
    agentStore,
    agentLogs,
    agentMetadata,
    agentStats,
    agentPorts,
    agentContainers: domain.agentContainers,
    subAgents: domain.subAgents,
    monitoring: domain.monitoring,
    unpushedWork: domain.unpushedWork,
    pubsub,
    externalAuth: domain.externalAuth,
    userSecrets: domain.userSecrets,
    presence,
    claims: domain.claims,
    cryptoKeys,
    accessUrl,
    wildcardHostname,
    grants,
    clock,
    logger,
    observe,
    statsRefreshMs: domain.statsRefreshMs,
    stopping,
  });
  serveProxies(rpc.server, {
    agents,
    apiKeys,
    apps,
    terminals,
    wake: domain.wake,
    proxies,
    routes,
    cryptoKeys,
    pubsub,
    grants,
    connectionLog: domain.connectionLog,
    sshAccess: domain.sshAccess,
    clock,
    logger,
    observe,
    accessUrl,
    wildcardHostname,
    pathApps: !config.CODER_DISABLE_PATH_APPS,
    stopping,
  });
  const provisioners: ProvisionerRpcOptions = {
    provisionerDaemons,
    assignments,
    stateStore,
    versionWorkStore,
    archives,
    applyGate,
    dispatcher,
    pubsub,
    grants,
    clock,
    logger,
    observe,
    accessUrl,
    forceCancelIntervalMs: config.CODER_PROVISIONER_FORCE_CANCEL_INTERVAL,
    jobLostAfterMs: config.CODER_JOB_LOST_AFTER,
  };
  serveProvisioners(rpc.server, provisioners);
  // External daemons do not take jobs from the queue, so coderd removes what they have claimed.
  const onClaim = (jobs: readonly ClaimedJob[]) => {
    for (const { id, queue, attempt } of jobs) domain.queue.discard({ id, queue, attempt: attempt - 1 });
  };
  serveProvisioners(daemonConnections.server, { ...provisioners, onClaim });
}

/** The REST API, its streams, the agents' gRPC connections and the dashboard. */
function createHttp(
  platform: Platform,
  domain: Domain,
  { grants, agentConnections, daemonConnections, registry, tracer }: Running,
): HttpServer {
  const { config, redis, clock, logger } = platform;
  const { apiKeys, agents, provisionerDaemons } = domain;
  const daemonOf = (request: IncomingMessage) =>
    provisionerDaemons.authenticate(credentialsIn((name) => request.headers[name]?.toString()));
  const metrics = new ApiMetrics(registry);
  return createHttpServer({
    handlers: createHandlers(domain, platform),
    authenticator: createAuthenticator({
      apiKeys,
      accessUrl: new URL(config.CODER_ACCESS_URL),
      cookieName: sessionCookieName(config.CODER_HOST_PREFIX_COOKIE),
      clock,
    }),
    open: createStreamOpener({
      grants,
      again: ({ apiKeyId, via }) => apiKeys.actorOfKey(apiKeyId, via),
      ofAgent: (agent) => agentGrant(agent, () => agents.requireCurrent(agent.agentId)),
    }),
    now: grants.now,
    authenticateAgent: agents.authenticateActor,
    authenticateScim(authorization) {
      const { enabled, admits } = domain.scim;
      if (!enabled)
        throw new FleetError("not_found", "SCIM is not enabled. Set CODER_SCIM_AUTH_HEADER to enable it.");
      if (!admits(authorization)) throw new FleetError("unauthenticated", "The SCIM token is invalid.");
      return { kind: "scim" };
    },
    acceptAgentRpc: (agent, decidedAtMs, ...rest) => {
      const grant = agentGrant(agent, () => agents.requireCurrent(agent.agentId));
      agentConnections.accept({ holder: agent.agentId, grant, decidedAtMs }, ...rest);
    },
    authenticateDaemon: daemonOf,
    acceptDaemonRpc: (key, decidedAtMs, request, ...rest) => {
      const holder = key.user ? `user:${key.user.userId}` : key.id;
      const grant = daemonGrant(key, () => daemonOf(request));
      daemonConnections.accept({ holder, grant, decidedAtMs }, request, ...rest);
    },
    limit: createRateLimiter({
      redis,
      prefix: config.CODER_REDIS_PREFIX,
      perMinute: config.CODER_API_RATE_LIMIT,
      disabled: config.CODER_DANGEROUS_DISABLE_RATE_LIMITS,
    }),
    resourceMetadata: config.CODER_OAUTH2_PROVIDER_ENABLE
      ? new URL("/.well-known/oauth-protected-resource", config.CODER_ACCESS_URL).href
      : undefined,
    strictTransportSecurity: config.CODER_STRICT_TRANSPORT_SECURITY,
    logger,
    observe: observeRequests({ metrics, tracer, logger }),
    observeSocket: observeSockets(metrics),
    mountStatic: (app) =>
      mountStatic(app, {
        siteDir: config.CODER_SITE_DIR,
        binDir: config.CODER_BIN_DIR,
        swaggerDir: config.CODER_SWAGGER_DIR,
        logger,
      }),
  });
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause) => {
      const message = `Could not listen on ${host}:${port}: ${errorMessage(cause)}. Set CODER_HTTP_ADDRESS to a free address.`;
      reject(new FleetError("unavailable", message, { cause }));
    });
    server.listen(port, host, resolve);
  });
}
