import { existsSync } from "node:fs";
import { join } from "node:path";
import { createCloser, errorMessage } from "@fleet/base";
import { hidePrivateEnvironment } from "@fleet/base/private-environment";
import { createLogger, createMetrics, serveMetrics, startTracing } from "@fleet/telemetry";
import { createCoderd } from "./coderd.js";
import { readConfig } from "./config.js";

/** What ships beside the program, unless the environment names another place. */
function besideProgram(): Record<string, string> {
  const folders = {
    SITE: "site",
    BIN: "bin",
    MIGRATIONS: "migrations",
    TEMPLATES: "templates",
    SWAGGER: "swagger",
  };
  return Object.fromEntries(
    Object.entries(folders)
      .map(([name, folder]) => [`CODER_${name}_DIR`, join(import.meta.dirname, folder)] as const)
      .filter(([, path]) => existsSync(path)),
  );
}

async function main(): Promise<void> {
  hidePrivateEnvironment();
  const config = readConfig({ ...besideProgram(), ...process.env });
  const closer = createCloser();
  const logger = createLogger({ service: "coderd", level: config.CODER_VERBOSE ? "debug" : "info" });
  const registry = createMetrics({ service: "coderd" });
  const tracing = await startTracing({ service: "coderd", env: process.env });
  closer.add(() => tracing.close());
  const coderd = await createCoderd({ config, logger, registry, tracer: tracing.tracer });
  closer.add(() => coderd.close());
  if (config.CODER_PROMETHEUS_ENABLE) {
    const metrics = await serveMetrics({
      address: config.CODER_PROMETHEUS_ADDRESS,
      registry,
      health: coderd,
    });
    closer.add(() => metrics.close());
  }
  logger.info("coderd serves", { http: coderd.httpUrl, grpc: coderd.grpcAddress });

  const stop = (signal: string) => {
    if (closer.closed) process.exit(1);
    logger.info("coderd stops", { signal });
    closer.close().then(
      () => process.exit(0),
      (error) => {
        logger.error("stopping failed", { error });
        process.exit(1);
      },
    );
  };
  process.on("SIGTERM", () => stop("SIGTERM"));
  process.on("SIGINT", () => stop("SIGINT"));
}

main().catch((error) => {
  process.stderr.write(`coderd: ${errorMessage(error)}\n`);
  process.exit(1);
});
