import { createCloser, errorMessage, systemClock } from "@fleet/base";
import { hidePrivateEnvironment } from "@fleet/base/private-environment";
import { createLogger, startTracing } from "@fleet/telemetry";
import { readConfig } from "./config.js";
import { startProvisionerd } from "./provisionerd.js";

/** Runs until it is told to stop: SIGTERM lets what runs end first; SIGINT, or a second SIGTERM, cancels it. */
async function main(): Promise<void> {
  hidePrivateEnvironment();
  const config = readConfig(process.env);
  const logger = createLogger({ service: "provisionerd", ...config.log });
  const closer = createCloser();
  try {
    const tracing = await startTracing({ service: "provisionerd", env: process.env });
    closer.add(() => tracing.close());
    const daemon = await startProvisionerd({
      config,
      hostEnv: process.env,
      closer,
      clock: systemClock,
      logger,
    });
    let told = false;
    process.on("SIGTERM", () => {
      logger.info("Told to stop.", { running: daemon.running().length, cancel: told });
      if (told) daemon.cancel();
      else daemon.drain();
      told = true;
    });
    process.on("SIGINT", () => daemon.cancel());
    await daemon.done;
  } finally {
    await closer.close();
  }
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(`provisionerd: ${errorMessage(error)}\n`);
    process.exit(1);
  },
);
