import { errorMessage, runProcess, systemClock, VERSION } from "@fleet/base";
import { ownProgram } from "@fleet/base/own-program";
import { trustSystemAuthorities } from "@fleet/base/trust";
import { createAgent } from "./agent.js";
import { configOf, settings, withFlags } from "./config.js";
import { fixedCredential, machineCredential } from "./identity/credential.js";
import { createLog } from "./log.js";
import { becomeReaper } from "./reaper.js";

/** The arguments after `agent` when started by `coder`, or after the bundle's name. */
function argumentsOf(argv: readonly string[]): string[] {
  const given = argv.slice(2);
  return given[0] === "agent" ? given.slice(1) : given;
}

/** The log is also written to standard error until that is closed: the process that started the agent may exit. */
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
      logger.info("Shutting down.", { reason });
      void agent.shutdown();
    };
    const agent = createAgent({
      config,
      credential:
        config.auth === "token"
          ? fixedCredential(config.token)
          : machineCredential(config.accessUrl, config.auth),
      env: process.env,
      program: ownProgram(),
      clock: systemClock,
      logger,
      onShutdownAsked: () => shutdown("requested by the deployment"),
    });
    if (config.exitWithInput) {
      process.stdin.on("close", () => shutdown("standard input was closed"));
      process.stdin.resume();
    }
    // Closing the terminal that the agent was started in stops it, like any other program.
    process.on("SIGHUP", () => shutdown("SIGHUP"));
    logger.info("Starting the agent.", { version: VERSION, url: config.accessUrl });
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
