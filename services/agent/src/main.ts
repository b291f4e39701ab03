import { errorMessage, runProcess, systemClock, VERSION } from "@fleet/base";
import { ownProgram } from "@fleet/base/own-program";
import { createAgent } from "./agent.js";
import { configOf, settings, withFlags } from "./config.js";
import { createLog } from "./log.js";
import { becomeReaper } from "./reaper.js";
import { trustSystemAuthorities } from "./trust.js";

/** Everything after `agent` when `coder` starts it, or after the bundle's own name. */
function argumentsOf(argv: readonly string[]): string[] {
  const given = argv.slice(2);
  return given[0] === "agent" ? given.slice(1) : given;
}

/** Lines of the agent's log also go to standard error, while there is somebody: who started the agent may leave. */
function createEcho(): (line: string) => void {
  let echoes = true;
  process.stderr.on("error", () => {
    echoes = false;
  });
  return (line) => {
    if (echoes) process.stderr.write(line);
  };
}

const args = argumentsOf(process.argv);
void runProcess({
  name: "agent",
  settings,
  env: withFlags(args, process.env),
  args,
  async start(values) {
    const config = configOf(values);
    if (config.reap) becomeReaper(process.env);
    if (config.accessUrl.startsWith("https:")) trustSystemAuthorities();
    const logger = createLog({ folder: config.logDir, clock: systemClock, echo: createEcho() });
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
    // Who closes the terminal that the agent was started in stops it, like any other program.
    process.on("SIGHUP", () => shutdown("SIGHUP"));
    logger.info("The agent starts.", { version: VERSION, url: config.accessUrl });
    return {
      done: agent.run(),
      stop: shutdown,
      interrupt: () => shutdown("SIGINT"),
      onFault(error) {
        const stack = error instanceof Error ? error.stack : undefined;
        logger.error("unhandled error", { reason: errorMessage(error), stack });
      },
    };
  },
});
