import { errorMessage } from "@fleet/base";
import { createLogger } from "@fleet/telemetry";
import { createCoderd } from "./coderd.js";
import { readConfig } from "./config.js";

async function main(): Promise<void> {
  const config = readConfig(process.env);
  const logger = createLogger({ service: "coderd", level: config.CODER_VERBOSE ? "debug" : "info" });
  const coderd = await createCoderd({ config, logger });
  logger.info("coderd serves", { http: coderd.httpUrl, grpc: coderd.grpcAddress });
  let stopping = false;
  const stop = (signal: string) => {
    if (stopping) process.exit(1);
    stopping = true;
    logger.info("coderd stops", { signal });
    coderd.close().then(
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
