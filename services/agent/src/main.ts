import { errorMessage, systemClock, VERSION } from "@fleet/base";
import { ownProgram } from "@fleet/base/own-program";
import { createAgent } from "./agent.js";
import { readConfig } from "./config.js";
import { createLog } from "./log.js";
import { becomeReaper } from "./reaper.js";
import { trustSystemAuthorities } from "./trust.js";

/** Everything after `agent` when `coder` starts it, or after the bundle's own name. */
function argumentsOf(argv: readonly string[]): string[] {
  const given = argv.slice(2);
  return given[0] === "agent" ? given.slice(1) : given;
}

async function main(): Promise<void> {
  const config = readConfig(argumentsOf(process.argv), process.env);
  if (config.reap) becomeReaper(process.env);
  if (config.accessUrl.startsWith("https:")) trustSystemAuthorities();
  // Who started the agent may leave, and stderr with it: the log file has the lines too.
  let echoes = true;
  process.stderr.on("error", () => {
    echoes = false;
  });
  const logger = createLog({
    folder: config.logDir,
    clock: systemClock,
    echo: (line) => {
      if (echoes) process.stderr.write(line);
    },
  });
  const shutdown = (reason: string) => {
    logger.info("The agent shuts down.", { reason });
    void agent.shutdown();
  };
  const agent = createAgent({
    config,
    env: process.env,
    program: ownProgram(),
    clock: systemClock,
    logger,
    onShutdownAsked: () => shutdown("the deployment asked for it"),
  });
  process.on("SIGTERM", () => shutdown("SIGTERM"));
  process.on("SIGINT", () => shutdown("SIGINT"));
  // Everyone's shells live in this process: a fault in one connection must not end them all.
  process.on("uncaughtException", (error) => {
    logger.error("An error was not handled.", { reason: errorMessage(error), stack: error.stack });
  });
  logger.info("The agent starts.", { version: VERSION, url: config.accessUrl });
  await agent.run();
}

main().then(
  () => process.exit(0),
  (error) => {
    process.stderr.write(`${errorMessage(error)}\n`);
    process.exit(1);
  },
);
