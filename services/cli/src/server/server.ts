import { join } from "node:path";
import { createCloser, FleetError, type Logger, nullLogger } from "@fleet/base";
import { folderOf, ownProgram } from "@fleet/base/own-program";
import { freePort, isPortFree } from "@fleet/embedded";
import { formatHuman } from "@fleet/telemetry";
import type { Context } from "../context.js";
import { readServerConfig, type ServerConfig } from "./config.js";
import { describeFleet } from "./fleet.js";
import { keptSecret } from "./secrets.js";
import { type Service, startService } from "./service.js";
import { postgresFolder, type Step, superviseStorePostgres, superviseStoreRedis } from "./stores.js";
import { supervise } from "./supervise.js";

const COMMAND_LINE_ONLY =
  "This executable contains the command line and the agent only. Run the server from its release directory (coder.js server) or its image.";

/**
 * Runs the whole fleet on this machine until Ctrl-C or SIGTERM. Each service is a separate process with the same
 * configuration as in a cluster; this process only starts, monitors and stops them.
 */
export async function runServer(context: Context): Promise<void> {
  const config = readServerConfig(context.io.env);
  const program = ownProgram();
  if (program.script === undefined) throw new FleetError("failed_precondition", COMMAND_LINE_ONLY);
  await requirePort(config);
  await using closer = createCloser();
  const note = (text: string) => context.note(`${context.colors.bold("[server]")} ${text}`);
  const step = createSteps(note);

  const stores = {
    folder: context.config.path,
    logger: storeLogger(context, config),
    clock: context.clock,
    note,
    step,
  };
  const postgres = config.postgresUrl ? undefined : await superviseStorePostgres(stores);
  if (postgres) closer.add(() => postgres.stop());
  const redis = config.redisUrl ? undefined : await superviseStoreRedis(stores);
  if (redis) closer.add(() => redis.stop());

  const secrets = join(context.config.path, "server");
  const fleet = describeFleet({
    config,
    env: context.io.env,
    programs: folderOf(program),
    postgresUrl: config.postgresUrl ?? postgres!.url,
    redisUrl: config.redisUrl ?? redis!.url,
    hidden: [
      ...["server", "redis", "postgres", "session"].map((name) => join(context.config.path, name)),
      ...(config.postgresUrl ? [] : [await postgresFolder(context.config.path, nullLogger)]),
    ],
    psk: config.psk ?? (await keptSecret(secrets, "provisioner-daemon-psk")),
    proxyToken: config.proxyToken ?? (await keptSecret(secrets, "proxy-session-token")),
    ports: {
      http: await freePort(),
      grpc: await freePort(),
      proxyProbe: await freePort(),
      daemonProbes: await Promise.all(Array.from({ length: config.daemons }, freePort)),
    },
  });

  const onLine = lineWriter(context, config);
  const atOnce = new AbortController();
  const run = (service: Service, optional = false) =>
    supervise({
      name: service.name,
      optional,
      clock: context.clock,
      note,
      start: () =>
        step(service.name, () =>
          startService(service, {
            clock: context.clock,
            signal: context.signal,
            atOnce: atOnce.signal,
            onLine,
          }),
        ),
    });
  const coderd = await run(fleet.coderd);
  closer.add(() => coderd.stop());
  // Both need coderd until they have finished their work, but not each other.
  const fronts = await Promise.allSettled([
    // Without a daemon nothing can be built, but existing workspaces are available.
    ...fleet.daemons.map((daemon) => run(daemon, true)),
    run(fleet.proxy),
  ]);
  closer.add(async () => {
    await Promise.all(fronts.map((front) => (front.status === "fulfilled" ? front.value.stop() : undefined)));
  });
  const failed = fronts.find((front) => front.status === "rejected");
  if (failed) throw failed.reason;

  context.note("");
  context.note(`  Coder is ready: ${context.colors.bold(config.accessUrl)}`);
  context.note("  Ctrl-C stops it.");
  context.note("");
  await aborted(context.signal);
  note("Stopping. Builds that run are waited for; Ctrl-C again ends everything at once.");
  process.once("SIGINT", () => atOnce.abort());
}

async function requirePort({ front }: ServerConfig): Promise<void> {
  if (await isPortFree(front.port, front.host)) return;
  throw new FleetError(
    "conflict",
    `Port ${front.port} of ${front.host} is taken by another program. Stop that one, or set CODER_HTTP_ADDRESS to another address, like ${front.host}:${front.port + 1}.`,
  );
}

/** Prints each step and how long it took. */
function createSteps(note: (text: string) => void): Step {
  return async (name, start) => {
    const started = performance.now();
    note(`Starting ${name}…`);
    const result = await start();
    note(`${name} is ready (${Math.round(performance.now() - started)} ms).`);
    return result;
  };
}

/** Postgres and Redis log a lot; show only what operators need. */
function storeLogger(context: Context, config: ServerConfig): Logger {
  const show = (message: string) => context.note(`[stores] ${message}`);
  const logger: Logger = {
    ...nullLogger,
    info: show,
    warn: show,
    error: show,
    child: () => logger,
  };
  return config.verbose ? { ...logger, debug: show } : logger;
}

function lineWriter(context: Context, config: ServerConfig): (name: string, line: string) => void {
  if (config.jsonLogs) return (_name, line) => context.note(line);
  return (name, line) => context.note(`${context.colors.dim(`[${name}]`)} ${formatHuman(line)}`);
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
