import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { errorMessage, FleetError } from "@fleet/base";
import { hidePrivateEnvironment } from "@fleet/base/private-environment";
import { runService } from "@fleet/telemetry";
import { type Config, settings } from "./config.js";
import { startProxy } from "./proxy.js";
import { connectCoderd } from "./session/coderd.js";

function tlsOf(config: Config) {
  if (!config.CODER_TLS_ENABLE) return undefined;
  const { CODER_TLS_CERT_FILE: certFile, CODER_TLS_KEY_FILE: keyFile } = config;
  if (!certFile || !keyFile) {
    throw new FleetError(
      "invalid_argument",
      "CODER_TLS_ENABLE requires CODER_TLS_CERT_FILE and CODER_TLS_KEY_FILE.",
    );
  }
  try {
    return {
      address: config.CODER_TLS_ADDRESS,
      cert: readFileSync(certFile, "utf8"),
      key: readFileSync(keyFile, "utf8"),
    };
  } catch (cause) {
    throw new FleetError(
      "invalid_argument",
      `Cannot read the TLS certificate or key: ${errorMessage(cause)}.`,
      { cause },
    );
  }
}

hidePrivateEnvironment();
void runService({
  name: "proxy",
  metricsPrefix: "coder_proxy",
  settings,
  env: process.env,
  async start({ config, logger, registry, clock, closer }) {
    const coderd = connectCoderd({
      address: config.CODER_PROXY_CODERD_ADDRESS,
      token: config.CODER_PROXY_SESSION_TOKEN,
    });
    closer.add(() => coderd.close());
    const relayAddress = config.CODER_PROXY_RELAY_ADDRESS;
    const proxy = await startProxy({
      coderd,
      coderdUrl: new URL(config.CODER_PROXY_CODERD_URL),
      httpAddress: config.CODER_HTTP_ADDRESS,
      tls: tlsOf(config),
      relay: relayAddress
        ? { address: relayAddress, advertise: config.CODER_PROXY_RELAY_ADVERTISE_ADDRESS }
        : undefined,
      ssh: config.CODER_PROXY_SSH_ADDRESS
        ? {
            address: config.CODER_PROXY_SSH_ADDRESS,
            advertise: config.CODER_PROXY_SSH_ADVERTISE_ADDRESS,
            sessions: config.CODER_PROXY_SSH_SESSIONS,
          }
        : undefined,
      replicaId: randomUUID(),
      hostname: hostname(),
      overrides: { accessUrl: config.CODER_ACCESS_URL, wildcardHostname: config.CODER_WILDCARD_ACCESS_URL },
      trust: { origins: config.CODER_PROXY_TRUSTED_ORIGINS, headers: config.CODER_PROXY_TRUSTED_HEADERS },
      drainDelayMs: config.CODER_DRAIN_DELAY,
      drainMs: config.CODER_PROXY_DRAIN_TIMEOUT,
      registry,
      clock,
      log: logger,
    });
    const ended = Promise.withResolvers<void>();
    return {
      health: {
        ready() {
          const reason = proxy.notReady();
          if (reason) throw new FleetError("unavailable", reason);
        },
      },
      done: ended.promise,
      stop: () => ended.resolve(proxy.drain()),
    };
  },
});
