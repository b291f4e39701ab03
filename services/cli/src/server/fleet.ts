import { existsSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { formatAddress } from "@fleet/base";
import type { ServerConfig } from "./config.js";
import type { Service } from "./service.js";

const SECOND = 1000;

export type FleetOptions = {
  config: ServerConfig;
  /** Our own environment, which the services inherit. */
  env: Record<string, string | undefined>;
  /** Folder of the bundles and the files shipped with them. */
  programs: string;
  postgresUrl: string;
  redisUrl: string;
  psk: string;
  proxyToken: string;
  /** Directories and files with keys and databases, for no template to see. */
  hidden: readonly string[];
  /** Free ports of 127.0.0.1. */
  ports: { http: number; grpc: number; proxyProbe: number; daemonProbes: readonly number[] };
};

/** The three services, each with its environment: connected over loopback as in a cluster over its network. */
export function describeFleet(options: FleetOptions): {
  coderd: Service;
  daemons: Service[];
  proxy: Service;
} {
  const { config, env, programs, ports, psk, proxyToken, postgresUrl, redisUrl } = options;
  const beside = (folder: string) => {
    const path = join(programs, folder);
    return existsSync(path) ? path : undefined;
  };
  const coderdHttp = `127.0.0.1:${ports.http}`;
  const coderdGrpc = `127.0.0.1:${ports.grpc}`;
  return {
    coderd: {
      name: "coderd",
      program: join(programs, "coderd.js"),
      readyUrl: `http://${coderdHttp}/healthz`,
      graceMs: 30 * SECOND,
      env: {
        CODER_SITE_DIR: beside("site"),
        CODER_BIN_DIR: beside("bin"),
        CODER_MIGRATIONS_DIR: beside("migrations"),
        CODER_TEMPLATES_DIR: beside("templates"),
        ...env,
        CODER_ACCESS_URL: config.accessUrl,
        CODER_WILDCARD_ACCESS_URL: config.wildcard,
        CODER_HTTP_ADDRESS: coderdHttp,
        CODER_GRPC_ADDRESS: coderdGrpc,
        CODER_PG_CONNECTION_URL: postgresUrl,
        CODER_REDIS_URL: redisUrl,
        CODER_PROVISIONER_DAEMON_PSK: psk,
        CODER_PROXY_SESSION_TOKEN: proxyToken,
      },
    },
    daemons: ports.daemonProbes.map((port, index) => ({
      name: `provisionerd-${index + 1}`,
      program: join(programs, "provisionerd.js"),
      readyUrl: `http://127.0.0.1:${port}/readyz`,
      // Wait for running builds; a second signal cancels them.
      graceMs: 10 * 60 * SECOND,
      env: {
        ...env,
        // For the services only; a template's terraform must not see database credentials.
        CODER_PG_CONNECTION_URL: undefined,
        CODER_PROXY_SESSION_TOKEN: undefined,
        CODER_PROVISIONERD_CODERD_ADDRESS: coderdGrpc,
        CODER_REDIS_URL: redisUrl,
        CODER_PROVISIONER_DAEMON_PSK: psk,
        CODER_PROVISIONER_DAEMON_NAME: `${hostname().slice(0, 50)}-${index + 1}`,
        // Workspaces of the template local are processes of this machine, which an isolated build could not leave behind.
        CODER_PROVISIONER_ISOLATION: env.CODER_PROVISIONER_ISOLATION ?? "none",
        CODER_PROVISIONER_HIDDEN_DIRECTORIES: [
          ...options.hidden,
          config.cacheDirectory,
          ...(env.CODER_PROVISIONER_HIDDEN_DIRECTORIES ?? "").split(",").filter(Boolean),
        ].join(","),
        CODER_CACHE_DIRECTORY: join(config.cacheDirectory, `provisioner-${index + 1}`),
        CODER_TERRAFORM_DOWNLOAD_DIRECTORY:
          env.CODER_TERRAFORM_DOWNLOAD_DIRECTORY ?? join(config.cacheDirectory, "engines"),
        CODER_PROMETHEUS_ENABLE: "true",
        CODER_PROMETHEUS_ADDRESS: `127.0.0.1:${port}`,
      },
    })),
    proxy: {
      name: "proxy",
      program: join(programs, "proxy.js"),
      readyUrl: `http://127.0.0.1:${ports.proxyProbe}/readyz`,
      graceMs: 60 * SECOND,
      env: {
        ...env,
        CODER_PG_CONNECTION_URL: undefined,
        CODER_REDIS_URL: undefined,
        CODER_PROVISIONER_DAEMON_PSK: undefined,
        // The proxy gets both from coderd; setting these would make it a regional proxy.
        CODER_ACCESS_URL: undefined,
        CODER_WILDCARD_ACCESS_URL: undefined,
        CODER_HTTP_ADDRESS: formatAddress(config.front),
        CODER_PROXY_CODERD_URL: `http://${coderdHttp}`,
        CODER_PROXY_CODERD_ADDRESS: coderdGrpc,
        CODER_PROXY_SESSION_TOKEN: proxyToken,
        CODER_PROMETHEUS_ENABLE: "true",
        CODER_PROMETHEUS_ADDRESS: `127.0.0.1:${ports.proxyProbe}`,
      },
    },
  };
}
