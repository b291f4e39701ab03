import { createHash } from "node:crypto";
import { stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { AGENT_NAME, type Clock, errorMessage, type Logger } from "@fleet/base";
import type { Program } from "@fleet/base/own-program";
import type { GetManifestResponse } from "@fleet/proto-gen/agent";
import type { ContainersReport, DevcontainerReport, DevcontainerStatus } from "../uplink/containers.js";
import type { Reports } from "../uplink/reports.js";
import { createDevcontainerCli, type DevcontainerFiles } from "./cli.js";
import { discover } from "./discovery.js";
import { type EngineContainer, findEngine } from "./engine.js";
import { type Inside, startInside } from "./inside.js";
import type { SubAgents } from "./subagents.js";

export type DevcontainersOptions = {
  /** The projects below this directory are looked through, if that is wanted. */
  directory(): string;
  /** Of each program; `devcontainer` and `docker` are found in its PATH. */
  environment(): Record<string, string>;
  expand(path: string): string;
  settings: DevcontainerSettings;
  accessUrl: string;
  program: Program;
  subAgents: SubAgents;
  reports: Pick<Reports, "containers" | "log">;
  clock: Clock;
  logger: Logger;
};

export type DevcontainerSettings = {
  enabled: boolean;
  /** Look for dev containers that the template does not declare. */
  discovery: boolean;
  /** Start those, too. */
  autostart: boolean;
};

/** Builds and starts the dev containers of a workspace, runs an agent in each, and reports what there is. */
export type Devcontainers = {
  /** Starts those that the template declares, and looks for others. Does nothing when called again. */
  start(agentId: string, declared: GetManifestResponse["devcontainers"]): Promise<void>;
  /** Builds one anew, or deletes its container, because a user has asked for it. */
  act(id: string, act: string): void;
  /** Ends the agents in containers, and what is being built. The containers stay. */
  stop(): void;
};

/** A dev container and what this agent does about it. One act at a time. */
type Known = {
  id: string;
  files: DevcontainerFiles;
  name: string;
  /** Of the agent that the template declares for it. */
  declaredId: string;
  status: DevcontainerStatus;
  error: string;
  dirty: boolean;
  containerId: string;
  agent: DevcontainerReport["agent"];
  inside: Inside | undefined;
  busy: boolean;
};

const REFRESH_MS = 10_000;
/** How often an unchanged list is reported: coderd forgets one after 90 s. */
const REPORT_MS = 30_000;
const DISCOVERY_MS = 5 * 60_000;
/** Labels that `@devcontainers/cli` gives its containers. */
const FOLDER_LABEL = "devcontainer.local_folder";
const CONFIG_LABEL = "devcontainer.config_file";

export function createDevcontainers(options: DevcontainersOptions): Devcontainers {
  const { settings, reports, subAgents, clock, logger } = options;
  const cli = createDevcontainerCli(options.environment);
  const ending = new AbortController();
  const { signal } = ending;
  const known = new Map<string, Known>();
  let agentId = "";
  let containers: EngineContainer[] = [];
  let warning = "";
  const tellChanges = reporter(reports, clock);

  function add(files: DevcontainerFiles, declared?: { name: string; subagentId: string }): Known | undefined {
    const id = idOf(agentId, files.workspaceFolder);
    if (known.has(id)) return undefined;
    const one: Known = {
      ...{ id, files, name: declared?.name || basename(files.workspaceFolder) },
      declaredId: declared?.subagentId ?? "",
      ...{ status: "stopped", error: "", dirty: false, containerId: "" },
      ...{ agent: undefined, inside: undefined, busy: false },
    };
    known.set(id, one);
    return one;
  }

  /** Does one thing at a time with a dev container; its failure is its state. */
  async function busy(one: Known, status: DevcontainerStatus, work: () => Promise<void>): Promise<void> {
    if (one.busy || signal.aborted) return;
    Object.assign(one, { busy: true, status, error: "" });
    report();
    try {
      await work();
    } catch (error) {
      if (signal.aborted) return;
      Object.assign(one, { status: "error", error: errorMessage(error) });
      tell(one, "error", errorMessage(error));
      logger.warn("A dev container failed.", {
        folder: one.files.workspaceFolder,
        reason: errorMessage(error),
      });
    } finally {
      one.busy = false;
      report();
    }
  }

  const up = (one: Known, recreate: boolean) =>
    busy(one, "starting", async () => {
      leave(one);
      const onLine = (line: string) => tell(one, "info", line);
      one.containerId = await cli.up(one.files, { recreate, signal, onLine });
      await enter(one);
    });

  /** Runs an agent in its running container. */
  async function enter(one: Known): Promise<void> {
    const { customization, remoteUser, remoteFolder } = await cli.configuration(one.files, signal);
    const named = { ...customization, name: customization.name || agentNameOf(one.name) };
    const agent = await subAgents.create(
      { directory: remoteFolder, ...(one.declaredId ? { id: one.declaredId } : { customization: named }) },
      signal,
    );
    one.agent = { id: agent.id, name: agent.name, directory: remoteFolder };
    one.inside = await startInside({
      containerId: one.containerId,
      user: remoteUser,
      folder: remoteFolder,
      accessUrl: options.accessUrl,
      token: agent.token,
      program: options.program,
      environment: options.environment(),
      clock,
      logger,
      onEnd: (reason) => tell(one, "warn", `The agent in the dev container has ended: ${reason}`),
    });
    if (signal.aborted) return leave(one);
    Object.assign(one, { status: "running", dirty: false });
    tell(one, "info", `The dev container is running. Its agent is "${agent.name}".`);
  }

  function leave(one: Known): void {
    one.inside?.stop();
    one.inside = undefined;
  }

  const remove = (one: Known) =>
    busy(one, "deleting", async () => {
      leave(one);
      if (one.containerId) await findEngine(options.environment())?.remove(one.containerId);
      if (one.agent) await subAgents.delete(one.agent.id, signal);
      Object.assign(one, { status: "stopped", containerId: "", agent: undefined });
    });

  function tell(one: Known, level: "info" | "warn" | "error", output: string): void {
    reports.log({ sourceId: one.id, createdAt: clock.now(), level, output });
  }

  /** Compares what is known with what the engine says. */
  async function refresh(): Promise<void> {
    const engine = findEngine(options.environment());
    try {
      containers = (await engine?.containers()) ?? [];
      warning = "";
    } catch (error) {
      warning = errorMessage(error);
      return;
    }
    for (const container of containers) {
      const folder = container.labels[FOLDER_LABEL];
      if (folder) add({ workspaceFolder: folder, configPath: container.labels[CONFIG_LABEL] ?? "" });
    }
    for (const one of known.values()) if (!one.busy) await compare(one);
  }

  async function compare(one: Known): Promise<void> {
    const container = containers
      .filter(({ labels }) => labels[FOLDER_LABEL] === one.files.workspaceFolder)
      .sort(
        (a, b) => Number(b.running) - Number(a.running) || b.createdAt.getTime() - a.createdAt.getTime(),
      )[0];
    if (!container?.running) {
      leave(one);
      if (one.status === "running") one.status = "stopped";
      one.containerId = container?.id ?? "";
      return;
    }
    const replaced = one.containerId !== container.id;
    one.containerId = container.id;
    one.dirty = await isNewer(one.files, container);
    // Started by somebody else, or before this agent. One that has failed waits for a user's act.
    if (one.status !== "error" && (replaced || !one.inside)) {
      leave(one);
      void busy(one, "starting", () => enter(one));
    }
  }

  async function look(): Promise<void> {
    for (const files of await discover(options.directory(), signal)) {
      const one = add(files);
      if (!one) continue;
      const configuration = await cli.configuration(files, signal).catch(() => undefined);
      if (!configuration || configuration.customization.ignore) known.delete(one.id);
      else if (settings.autostart || configuration.customization.autoStart) void up(one, false);
    }
  }

  const report = () => tellChanges([...known.values()], containers, warning ? [warning] : []);

  /** Repeats the work, a pause after each time. */
  async function repeat(ms: number, work: () => Promise<void>): Promise<void> {
    while (!signal.aborted) {
      await work().catch((error) =>
        logger.debug("Looking for dev containers failed.", { reason: errorMessage(error) }),
      );
      await clock.sleep(ms, signal).catch(() => {});
    }
  }

  return {
    async start(id, declared) {
      if (agentId || signal.aborted) return;
      agentId = id;
      const started = declared.map(({ name, workspaceFolder, configPath, subagentId }) => {
        const files = {
          workspaceFolder: options.expand(workspaceFolder),
          configPath: configPath && options.expand(configPath),
        };
        return add(files, { name, subagentId });
      });
      if (!settings.enabled) {
        for (const one of started)
          if (one)
            Object.assign(one, { status: "error", error: "Dev containers are disabled in this workspace." });
        return report();
      }
      // One after another: they share the engine's cache and the workspace's processors.
      for (const one of started) if (one) await up(one, false);
      if (started.length === 0 && !findEngine(options.environment())) return;
      if (settings.discovery) void repeat(DISCOVERY_MS, look);
      void repeat(REFRESH_MS, async () => {
        await refresh();
        report();
      });
    },

    act(id, act) {
      const one = known.get(id);
      if (!one || !settings.enabled) return;
      void (act === "delete" ? remove(one) : up(one, true));
    },

    stop() {
      ending.abort();
      for (const one of known.values()) leave(one);
    },
  };
}

/** Reports what has changed, and the same again before coderd forgets it. */
function reporter(reports: Pick<Reports, "containers">, clock: Clock) {
  let last = "";
  let lastAt = 0;
  return (known: readonly Known[], containers: EngineContainer[], warnings: string[]): void => {
    const report: ContainersReport = {
      devcontainers: known.map(({ files, inside: _inside, busy: _busy, declaredId: _id, ...one }) => ({
        ...one,
        ...files,
      })),
      containers,
      warnings,
    };
    const text = JSON.stringify(report);
    const now = clock.now().getTime();
    if (text === last && now - lastAt < REPORT_MS) return;
    last = text;
    lastAt = now;
    reports.containers(report);
  };
}

/** The same in each run of the agent, in the form of a UUID. */
function idOf(agentId: string, workspaceFolder: string): string {
  const hex = createHash("sha256").update(`${agentId}\0${workspaceFolder}`).digest("hex");
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join("-");
}

/** A name that can be part of a hostname. */
function agentNameOf(name: string): string {
  const cleaned = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "")
    .slice(0, 32)
    .replace(/-$/, "");
  return AGENT_NAME.test(cleaned) ? cleaned : "devcontainer";
}

/** Whether devcontainer.json has changed since the container was created. */
async function isNewer(
  { workspaceFolder, configPath }: DevcontainerFiles,
  container: EngineContainer,
): Promise<boolean> {
  const path =
    configPath || container.labels[CONFIG_LABEL] || join(workspaceFolder, ".devcontainer/devcontainer.json");
  const found = await stat(path).catch(() => undefined);
  return found !== undefined && found.mtime > container.createdAt;
}
