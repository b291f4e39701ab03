import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import {
  errorMessage,
  FleetError,
  formatAddress,
  nullLogger,
  parseAddress,
  REVISION,
  surviveRefusedConnections,
  VERSION,
} from "@fleet/base";
import { collectDefaultMetrics, Gauge, Registry } from "prom-client";

/** A registry with the process's own metrics and `<service>_build_info`. */
export function createMetrics({ service }: { service: string }): Registry {
  const register = new Registry();
  collectDefaultMetrics({ register });
  const build = new Gauge({
    name: `${service}_build_info`,
    help: "Build information: the version and commit. The value is always 1.",
    labelNames: ["version", "revision"],
    registers: [register],
  });
  build.set({ version: VERSION, revision: REVISION }, 1);
  return register;
}

export type Health = {
  /** Resolves if the process is ready; rejects with the reason if it should get no traffic. */
  ready(): Promise<void> | void;
};

export type MetricsServerOptions = {
  /** `host:port`; an IPv6 host in brackets. Port 0 picks a free one. */
  address: string;
  registry: Registry;
  health: Health;
};

export type MetricsServer = {
  /** The `host:port` it listens on. */
  readonly address: string;
  close(): Promise<void>;
};

/**
 * Listens for monitoring: `/metrics` (Prometheus text), `/healthz` (the process responds) and `/readyz` (it
 * is ready; 503 with the reason otherwise). No authentication: keep it off public networks.
 */
export async function serveMetrics({
  address,
  registry,
  health,
}: MetricsServerOptions): Promise<MetricsServer> {
  const server = createServer((request, response) => {
    const path = request.url?.split("?")[0];
    if (path === "/metrics") void sendMetrics(registry, response);
    else if (path === "/healthz") response.end("OK\n");
    else if (path === "/readyz") void sendReadiness(health, response);
    else response.writeHead(404).end();
  });
  const { host, port } = parseAddress(address);
  server.listen(port, host);
  try {
    await once(server, "listening");
  } catch (cause) {
    throw new FleetError("unavailable", `Could not serve metrics on ${address}: ${errorMessage(cause)}.`, {
      cause,
    });
  }
  surviveRefusedConnections(server, nullLogger);
  const bound = server.address() as AddressInfo;
  return {
    address: formatAddress({ host, port: bound.port }),
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

async function sendMetrics(registry: Registry, response: ServerResponse): Promise<void> {
  try {
    const body = await registry.metrics();
    response.writeHead(200, { "Content-Type": registry.contentType }).end(body);
  } catch (error) {
    response.writeHead(500).end(`${errorMessage(error)}\n`);
  }
}

async function sendReadiness(health: Health, response: ServerResponse): Promise<void> {
  try {
    await health.ready();
    response.end("OK\n");
  } catch (error) {
    response.writeHead(503).end(`${errorMessage(error)}\n`);
  }
}
