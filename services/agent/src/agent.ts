import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { equals } from "@bufbuild/protobuf";
import { type AgentClient, keepConnected } from "@fleet/agentsdk";
import { type Clock, errorMessage, FleetError, isFleetError, type Logger, VERSION } from "@fleet/base";
import type { Program } from "@fleet/base/own-program";
import { type GetManifestResponse, GetManifestResponseSchema } from "@fleet/proto-gen/agent";
import { createResumableServer } from "@fleet/tunnel/resumable";
import type { AgentConfig } from "./config.js";
import { controlSession } from "./control.js";
import { createDevcontainers } from "./devcontainers/manager.js";
import { createSubAgents } from "./devcontainers/subagents.js";
import type { Credential } from "./identity/credential.js";
import { type LifecycleEvent, type LifecycleStatus, next } from "./lifecycle/status.js";
import { createTerminalSessions } from "./pty/sessions.js";
import { spawnTerminal } from "./pty/terminal.js";
import { scriptBinDir } from "./scripts/scripts.js";
import { loginShell, shellCommand } from "./shell/command.js";
import { expandPath, workspaceEnvironment } from "./shell/environment.js";
import { createOwnCommand, NO_COMMAND, type OwnCommand } from "./shell/own-command.js";
import { canEnter } from "./shell/problem.js";
import { writeSecretFiles } from "./shell/secret-files.js";
import { currentUser, type WorkspaceUser } from "./shell/user.js";
import { createSshServer, hostKeyOf, publicHalf, type SshServer } from "./ssh/server.js";
import { createCounters } from "./stats/counters.js";
import { createCpuMeter } from "./stats/cpu.js";
import { createSessionRecorder } from "./stats/sessions.js";
import { createClaimableTunnels } from "./tunnel/claimable.js";
import { createTunnelSessions } from "./tunnel/sessions.js";
import { createUnpushedWorkWatcher } from "./unpushed/watcher.js";
import { createUplink } from "./uplink/delivery.js";
import { createReports } from "./uplink/reports.js";
import { startWork, type Work } from "./work.js";

/** How long shutdown waits for the last reports to be sent, in milliseconds. */
const FAREWELL_MS = 5_000;

/** How long shutdown waits for the last look for unpushed work: machines and containers are killed after a while. */
const LAST_LOOK_MS = 4_000;

export type AgentOptions = {
  config: AgentConfig;
  credential: Credential;
  env: NodeJS.ProcessEnv;
  /** The `coder` command inside the workspace. */
  program: Program;
  clock: Clock;
  logger: Logger;
  /** Called when the deployment requests a shutdown; call `shutdown` and exit. */
  onShutdownAsked(): void;
};

export type Agent = {
  /** Stays connected until `shutdown` has finished. */
  run(): Promise<void>;
  /** Runs the stop scripts, reports the outcome, and ends every session. */
  shutdown(): Promise<void>;
};

/** Creates the workspace agent and wires its parts together. */
export function createAgent(options: AgentOptions): Agent {
  const { config, credential, env, program, clock, logger } = options;
  const bootId = randomUUID();
  const user = currentUser(env, process.platform);
  let coder = ownCommand(config, program, logger);
  const uplink = createUplink({ clock, logger });
  const reports = createReports(uplink, bootId);
  const counters = createCounters();
  const cpu = createCpuMeter({ nowMs: () => performance.now() });
  const ending = new AbortController();
  const firstManifest = Promise.withResolvers<void>();
  let manifest: GetManifestResponse | undefined;
  let work: Work | undefined;
  let ssh: SshServer | undefined;
  let hostKey = "";
  let status: LifecycleStatus = "created";
  let shuttingDown: Promise<void> | undefined;

  /** The command, recreated if it was deleted from /tmp. */
  function lastingCommand(): OwnCommand {
    if (coder !== NO_COMMAND && !existsSync(coder.folder)) coder = ownCommand(config, program, logger);
    return coder;
  }

  const environment = () =>
    workspaceEnvironment({
      base: env,
      manifest: manifest!,
      user,
      agentUrl: config.accessUrl,
      agentToken: credential.token,
      scriptBinDir: scriptBinDir(config.scriptDataDir),
      coder: lastingCommand(),
    });
  const expanded = (path: string) => (path === "" ? "" : expandPath(path, environment(), user.home));
  const directory = () =>
    [expanded(manifest!.directory), user.home, "/"].find((path) => path !== "" && canEnter(path)) ?? "/";

  const unpushedWork = createUnpushedWorkWatcher({
    roots: () => [user.home, directory()],
    report: reports.unpushedWork,
    ...{ environment, clock, logger },
  });
  const terminals = workspaceTerminals({ user, environment, directory, clock, logger });
  const onSession = createSessionRecorder({ counters, reports, clock });
  const devcontainers = createDevcontainers({
    directory,
    environment,
    expand: expanded,
    settings: config.devcontainers,
    accessUrl: config.accessUrl,
    program,
    subAgents: createSubAgents(uplink.call),
    ...{ reports, clock, logger },
  });

  const createResumable = () => resumableServer(config, (stream) => ssh!.acceptResumable(stream), clock);
  let resumable = createResumable();

  const tunnel = createTunnelSessions({
    accessUrl: config.accessUrl,
    token: () => credential.token,
    ssh: () => ssh!,
    resumable: () => resumable,
    ...{ terminals, onSession, counters, clock, logger },
  });
  const tunnels = createClaimableTunnels(tunnel);

  function advance(event: LifecycleEvent): void {
    const after = next(status, event);
    if (after === status) return;
    status = after;
    logger.info("Lifecycle state changed.", { status });
    reports.lifecycle(status, clock.now());
  }

  async function onManifest(received: GetManifestResponse, client: AgentClient): Promise<void> {
    const changed = !manifest || !equals(GetManifestResponseSchema, manifest, received);
    const first = !manifest;
    const claimed = manifest !== undefined && manifest.agentId !== received.agentId;
    manifest = received;
    if (claimed) endSessions();
    if (first || claimed) {
      hostKey = hostKeyOf(received.sshHostKey);
      ssh = createSshServer({
        hostKey,
        maxAgeMs: config.sshMaxTimeoutMs,
        blockFileTransfer: config.blockFileTransfer,
        user,
        environment,
        directory,
        motdFile: () => expanded(manifest!.motdFile),
        clock,
        logger,
        onSession,
      });
    }
    if (changed) await writeSecretFiles(received.userSecrets, { home: user.home, logger });
    if (changed) follow(received);
    unpushedWork.enable(received.checkUnpushedWork);
    if (first || claimed) begin(claimed ? "claimed" : "manifest");
    await client.updateStartup({
      version: VERSION,
      expandedDirectory: expanded(received.directory),
      subsystems: config.subsystems,
      sshHostPublicKey: publicHalf(hostKey),
    });
  }

  /** Applies a manifest. */
  function follow(received: GetManifestResponse): void {
    if (status === "shutting_down") return;
    work?.stop();
    const place = { config, user, environment, directory };
    work = startWork({ manifest: received, ...place, reports, clock, logger });
  }

  /** Ends what others have opened in a prebuild: from now on, it is its owner's. */
  function endSessions(): void {
    logger.info("The workspace was claimed: starting again for its owner.");
    terminals.close();
    void ssh?.close();
    void resumable.close(new FleetError("unavailable", "The workspace was claimed by its owner."));
    resumable = createResumable();
    tunnels.claim();
  }

  function begin(type: "manifest" | "claimed"): void {
    firstManifest.resolve();
    advance({ type });
    const { agentId, devcontainers: declared } = manifest!;
    void work!.scripts.run("start").then((outcome) => {
      advance({ type: "started", outcome });
      // Startup scripts often clone what the user works on, and install what dev containers need.
      void unpushedWork.look();
      return devcontainers.start(agentId, declared);
    });
  }

  async function control(signal: AbortSignal): Promise<void> {
    const token = await credential.get(signal);
    const { accessUrl } = config;
    const onUnpushedWorkWanted = () => void unpushedWork.look();
    const acts = { onShutdown: options.onShutdownAsked, onDevcontainerAct: devcontainers.act };
    const what = { accessUrl, token, bootId, uplink, counters, cpu, clock, logger, onManifest };
    const session = () => controlSession({ ...what, ...acts, onUnpushedWorkWanted }, signal);
    try {
      // The user who claimed the workspace is waiting.
      if ((await session()) === "reinitialize") await session();
    } catch (error) {
      if (isFleetError(error, "unauthenticated")) credential.refused();
      throw error;
    }
  }

  async function leave(): Promise<void> {
    advance({ type: "shutdown" });
    work?.stop();
    devcontainers.stop();
    // The last look at what the workspace may take with it, while the scripts run.
    const looked = unpushedWork.look();
    const outcome = (await work?.scripts.run("stop")) ?? "ok";
    advance({ type: "stopped", outcome });
    await within(looked, LAST_LOOK_MS, clock);
    unpushedWork.stop();
    await reports.flush(FAREWELL_MS);
    terminals.close();
    await ssh?.close();
    await resumable.close(new FleetError("unavailable", "The workspace is stopping."));
    coder.remove();
    ending.abort();
  }

  return {
    async run() {
      const { signal } = ending;
      const how = { clock, logger, signal };
      const controlPlane = keepConnected({ name: "control plane", session: control, ...how });
      signal.addEventListener("abort", () => firstManifest.resolve(), { once: true });
      const data = firstManifest.promise.then(() =>
        keepConnected({ name: "tunnel", session: tunnels.run, ...how }),
      );
      await Promise.all([controlPlane, data]);
    },
    shutdown() {
      shuttingDown ??= leave();
      return shuttingDown;
    },
  };
}

function resumableServer(
  { sshMaxTimeoutMs }: AgentConfig,
  onStream: Parameters<typeof createResumableServer>[0]["onStream"],
  clock: Clock,
) {
  // Even without an age limit, a client may be disconnected no longer than the default, because its output is buffered.
  const limits = sshMaxTimeoutMs > 0 ? { detachedMs: sshMaxTimeoutMs } : {};
  return createResumableServer({ onStream, limits, clock });
}

/** Waits for it, but no longer than this. */
async function within(work: Promise<void>, limitMs: number, clock: Clock): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = clock.after(limitMs, resolve);
  await Promise.race([work, promise]);
  timer.cancel();
}

function workspaceTerminals({
  user,
  environment,
  directory,
  clock,
  logger,
}: {
  user: WorkspaceUser;
  environment(): Record<string, string>;
  directory(): string;
  clock: Clock;
  logger: Logger;
}) {
  return createTerminalSessions({
    clock,
    logger,
    spawn: (command, size) =>
      spawnTerminal({
        ...(command === "" ? loginShell(user.shell) : shellCommand(user.shell, command)),
        cwd: directory(),
        env: { ...environment(), TERM: "xterm-256color" },
        size,
        clock,
      }),
  });
}

/** The `coder` command for PATH; none if its folder cannot be made. */
function ownCommand(config: AgentConfig, program: Program, logger: Logger): OwnCommand {
  try {
    return createOwnCommand(config.scriptDataDir, program);
  } catch (error) {
    logger.warn("Failed to add `coder` to PATH in this workspace.", { reason: errorMessage(error) });
    return NO_COMMAND;
  }
}
