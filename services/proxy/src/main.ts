import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { errorMessage, FleetError, parseEnv, systemClock } from "@fleet/base";
import { hidePrivateEnvironment } from "@fleet/base/private-environment";
import { createLogger, createMetrics, serveMetrics, startTracing } from "@fleet/telemetry";
import { type Config, configSchema } from "./config.js";
import { startProxy } from "./proxy.js";
import { connectCoderd } from "./session/coderd.js";

function tlsOf(config: Config) {
  if (!config.CODER_TLS_ENABLE) return undefined;
  const { CODER_TLS_CERT_FILE: certFile, CODER_TLS_KEY_FILE: keyFile } = config;
  if (!certFile || !keyFile) {
    throw new FleetError(
      "invalid_argument",
      "CODER_TLS_ENABLE needs CODER_TLS_CERT_FILE and CODER_TLS_KEY_FILE.",
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
      `The TLS certificate or key cannot be read: ${errorMessage(cause)}.`,
      { cause },
    );
  }
}

async function main(): Promise<void> {
  hidePrivateEnvironment();
  const config = parseEnv(configSchema, process.env);
  const log = createLogger({ service: "proxy", level: config.CODER_VERBOSE ? "debug" : "info" });
  const tracing = await startTracing({ service: "proxy", env: process.env });
  const registry = createMetrics({ service: "coder_proxy" });
  const coderd = connectCoderd({
    address: config.CODER_PROXY_CODERD_ADDRESS,
    token: config.CODER_PROXY_SESSION_TOKEN,
  });
  const relayAddress = config.CODER_PROXY_RELAY_ADDRESS;
  const proxy = await startProxy({
    coderd,
    coderdUrl: new URL(config.CODER_PROXY_CODERD_URL),
    httpAddress: config.CODER_HTTP_ADDRESS,
    tls: tlsOf(config),
    relay: relayAddress
      ? { address: relayAddress, advertise: config.CODER_PROXY_RELAY_ADVERTISE_ADDRESS }
      : undefined,
    replicaId: randomUUID(),
    hostname: hostname(),
    overrides: { accessUrl: config.CODER_ACCESS_URL, wildcardHostname: config.CODER_WILDCARD_ACCESS_URL },
    trust: { origins: config.CODER_PROXY_TRUSTED_ORIGINS, headers: config.CODER_PROXY_TRUSTED_HEADERS },
    drainDelayMs: config.CODER_DRAIN_DELAY,
    drainMs: config.CODER_PROXY_DRAIN_TIMEOUT,
    registry,
    clock: systemClock,
    log,
  });
  const probes = await serveMetrics({
    address: config.CODER_PROMETHEUS_ADDRESS,
    registry,
    health: {
      ready() {
        const reason = proxy.notReady();
        if (reason) throw new FleetError("unavailable", reason);
      },
    },
  });

  let stopping = false;
  async function stop(): Promise<void> {
    if (stopping) process.exit(1);
    stopping = true;
    await proxy.drain();
    await probes.close();
    coderd.close();
    await tracing.close();
    process.exit(0);
  }
  process.on("SIGTERM", () => void stop());
  process.on("SIGINT", () => void stop());
}

main().catch((error: unknown) => {
  process.stderr.write(`${errorMessage(error)}\n`);
  process.exit(1);
});
