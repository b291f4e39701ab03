import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import {
  type Clock,
  createCloser,
  errorMessage,
  FleetError,
  formatAddress,
  type Logger,
  parseAddress,
  surviveRefusedConnections,
} from "@fleet/base";
import { type Tracer, trace } from "@opentelemetry/api";
import { Registry } from "prom-client";
import type { ScryptCost } from "./auth/passwords.js";
import type { Config } from "./config.js";
import { migrate } from "./database/migrate.js";
import { createDomain, type Domain } from "./domain.js";
import { startWorkJobs } from "./domain-work.js";
import { startGrants } from "./grants/service.js";
import { createAccessChangeStore } from "./grants/store.js";
import { createAuthenticator } from "./http/authenticator.js";
import { createHandlers } from "./http/handlers.js";
import { ApiMetrics, observeRequests, observeSockets } from "./http/observe.js";
import { createRateLimiter } from "./http/ratelimit.js";
import { createHttpServer } from "./http/server.js";
import { mountStatic } from "./http/static.js";
import { createStreamOpener } from "./http/streams.js";
import { countRuns } from "./jobs/runner.js";
import { startUpkeep } from "./jobs/upkeep.js";
import { registerDeploymentMetrics } from "./metrics/deployment.js";
import { createMetricsStore } from "./metrics/store.js";
import { openPlatform } from "./platform.js";
import { connectedWithin } from "./redis.js";
import { serveAgents } from "./rpc/agent.js";
import { createAgentConnections } from "./rpc/agent-connections.js";
import { observeCalls } from "./rpc/observe.js";
import { serveProvisioners } from "./rpc/provisioner.js";
import { serveProxies } from "./rpc/proxy.js";
import { closeRpcServer, createRpcServer } from "./rpc/server.js";

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
    const domain = createDomain(platform, { ...options, registry });
    registerDeploymentMetrics({
      ...platform,
      store: createMetricsStore(platform.db),
      registry,
      agentStats: config.CODER_PROMETHEUS_COLLECT_AGENT_STATS,
    });
    await domain.organizationStore.ensureDefault();

    const grants = await startGrants({ ...platform, store: createAccessChangeStore(platform.db) });
    closer.add(() => grants.close());
    const replica = await domain.replicas.start();
    closer.add(() => replica.close());
    closer.add(() => domain.agentStats.close());
    closer.add(() => domain.presence.close());
    const onRun = countRuns(registry);
    const work = startWorkJobs(platform, domain, onRun);
    closer.add(() => work.close());
    const upkeep = startUpkeep(platform, domain, onRun);
    closer.add(() => upkeep.close());

    const rpc = createRpcServer();
    const facing = {
      observe: observeCalls({ registry, tracer, logger }),
      ...platform,
      ...domain,
      grants,
      accessUrl: config.CODER_ACCESS_URL,
      wildcardHostname: config.CODER_WILDCARD_ACCESS_URL,
      pathApps: !config.CODER_DISABLE_PATH_APPS,
      stopping: () => stopping,
    };
    const agentConnections = createAgentConnections({ ...platform, ...domain, grants });
    closer.add(() => agentConnections.close());
    serveAgents(agentConnections.server, facing);
    serveProxies(rpc.server, facing);
    serveProvisioners(rpc.server, {
      ...facing,
      forceCancelIntervalMs: config.CODER_PROVISIONER_FORCE_CANCEL_INTERVAL,
      jobLostAfterMs: config.CODER_JOB_LOST_AFTER,
    });
    const grpcPort = await rpc.listen(config.CODER_GRPC_ADDRESS);
    closer.add(() => closeRpcServer(rpc.server));

    const apiMetrics = new ApiMetrics(registry);
    const http = createHttpServer({
      handlers: createHandlers(domain, platform),
      authenticator: createAuthenticator({
        apiKeys: domain.apiKeys,
        accessUrl: new URL(config.CODER_ACCESS_URL),
        clock: platform.clock,
      }),
      open: createStreamOpener({
        grants,
        again: ({ apiKeyId, via }) => domain.apiKeys.actorOfKey(apiKeyId, via),
      }),
      now: grants.now,
      authenticateAgent: domain.agents.authenticateActor,
      acceptAgentRpc: agentConnections.accept,
      limit: createRateLimiter({
        redis: platform.redis,
        prefix: config.CODER_REDIS_PREFIX,
        perMinute: config.CODER_DANGEROUS_DISABLE_RATE_LIMITS ? -1 : config.CODER_API_RATE_LIMIT,
      }),
      strictTransportSecurity: config.CODER_STRICT_TRANSPORT_SECURITY,
      logger,
      observe: observeRequests({ metrics: apiMetrics, tracer, logger }),
      observeSocket: observeSockets(apiMetrics),
      mountStatic: (app) =>
        mountStatic(app, {
          siteDir: config.CODER_SITE_DIR,
          binDir: config.CODER_BIN_DIR,
          swaggerDir: config.CODER_SWAGGER_DIR,
          logger,
        }),
    });
    const { host, port } = parseAddress(config.CODER_HTTP_ADDRESS);
    await listen(http.server, host, port);
    surviveRefusedConnections(http.server, logger);
    closer.add(() => http.close());

    async function drain(): Promise<void> {
      stopping = true;
      http.drain();
      if (config.CODER_DRAIN_DELAY > 0) await platform.clock.sleep(config.CODER_DRAIN_DELAY);
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
        await platform.db.$queryRaw`SELECT 1`.catch((cause: unknown) => {
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

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause) => {
      const message = `Could not listen on ${host}:${port}: ${errorMessage(cause)}. Set CODER_HTTP_ADDRESS to a free address.`;
      reject(new FleetError("unavailable", message, { cause }));
    });
    server.listen(port, host, resolve);
  });
}
