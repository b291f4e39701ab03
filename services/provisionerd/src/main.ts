import { hidePrivateEnvironment } from "@fleet/base/private-environment";
import { runService } from "@fleet/telemetry";
import { configOf, settings } from "./config.js";
import { startProvisionerd } from "./provisionerd.js";

// SIGTERM waits for running jobs; SIGINT or a second SIGTERM cancels them.
hidePrivateEnvironment();
void runService({
  name: "provisionerd",
  settings,
  env: process.env,
  async start({ config, env, logger, registry, clock, closer }) {
    const { daemon, health } = await startProvisionerd({
      config: configOf(config),
      hostEnv: env,
      closer,
      registry,
      clock,
      logger,
    });
    return {
      health,
      done: daemon.done,
      stop(signal) {
        logger.info("stopping", { signal, running: daemon.running().length });
        daemon.drain();
      },
      interrupt() {
        logger.info("canceling running jobs", { running: daemon.running().length });
        daemon.cancel();
      },
    };
  },
});
