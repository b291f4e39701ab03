import { existsSync } from "node:fs";
import { join } from "node:path";
import { hidePrivateEnvironment } from "@fleet/base/private-environment";
import { runService } from "@fleet/telemetry";
import { createCoderd } from "./coderd.js";
import { settings } from "./config.js";
import { MAINTENANCE, runMaintenance } from "./maintenance.js";

/** Default locations of files that ship with the program; environment variables override them. */
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

hidePrivateEnvironment();
if (MAINTENANCE.includes(process.argv[2] ?? "")) {
  process.exitCode = await runMaintenance(process.argv.slice(2), process.env);
} else void serve();

function serve(): Promise<void> {
  return runService({
    name: "coderd",
    settings,
    env: { ...besideProgram(), ...process.env },
    async start(service) {
      const coderd = await createCoderd(service);
      service.logger.info("listening", { http: coderd.httpUrl, grpc: coderd.grpcAddress });
      const ended = Promise.withResolvers<void>();
      return {
        health: coderd,
        done: ended.promise,
        stop(signal) {
          service.logger.info("stopping", { signal });
          ended.resolve(coderd.close());
        },
      };
    },
  });
}
