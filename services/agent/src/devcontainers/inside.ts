import { stat } from "node:fs/promises";
import { arch } from "node:os";
import { basename } from "node:path";
import { type Clock, createBackoff, errorMessage, FleetError, type Logger, VERSION } from "@fleet/base";
import type { Program } from "@fleet/base/own-program";
import { createLineSplitter } from "../scripts/lines.js";
import { runProgram, startProgram } from "./program.js";

/** In the container. */
const FOLDER = "/.coder-agent";
const EXECUTABLE = `${FOLDER}/coder`;
/** How long an agent has to run so that its next start does not wait longer than the first. */
const LASTING_MS = 60_000;

export type InsideOptions = {
  containerId: string;
  /** Empty for the container's own. */
  user: string;
  folder: string;
  accessUrl: string;
  token: string;
  program: Program;
  environment: Record<string, string>;
  clock: Clock;
  logger: Logger;
  /** Called when the agent has ended although nobody stopped it; it is started again after a pause. */
  onEnd(reason: string): void;
};

/** The agent inside a container. */
export type Inside = { stop(): void };

/**
 * Copies this program into the container, and runs it there as an agent until it is stopped.
 * @throws failed_precondition if it cannot be copied.
 */
export async function startInside(options: InsideOptions): Promise<Inside> {
  const { containerId, program, environment, clock, logger } = options;
  await install(containerId, program, environment);
  const backoff = createBackoff({ initialMs: 1_000, maxMs: 60_000, factor: 2 });
  let stopped = false;
  let kill = () => {};
  let pause: { cancel(): void } | undefined;

  function start(): void {
    const startedAt = clock.now().getTime();
    const child = startProgram("docker", argumentsOf(options), {
      ...environment,
      CODER_AGENT_TOKEN: options.token,
      CODER_AGENT_URL: options.accessUrl,
      CODER_AGENT_EXIT_WITH_INPUT: "true",
      // One level of dev containers.
      CODER_AGENT_DEVCONTAINERS_ENABLE: "false",
    });
    let last = "";
    const lines = createLineSplitter((line) => {
      if (line.trim()) last = line;
    });
    child.stdin!.on("error", () => {});
    child.stderr!.on("data", (chunk: Buffer) => lines.push(chunk));
    kill = () => void child.kill("SIGTERM");
    let ended = false;
    const end = (reason: string) => {
      if (ended) return;
      ended = true;
      if (stopped) return;
      logger.warn("The agent in a dev container has ended.", { containerId, reason });
      options.onEnd(reason);
      if (clock.now().getTime() - startedAt > LASTING_MS) backoff.reset();
      pause = clock.after(backoff.next(), start);
    };
    child.on("error", (error) => end(errorMessage(error)));
    child.on("close", (code) => end(last || `exit code ${code}`));
  }

  start();
  return {
    stop() {
      stopped = true;
      pause?.cancel();
      kill();
    },
  };
}

/** The token is passed through the environment of `docker`: arguments can be seen by every process. */
function argumentsOf({ containerId, user, folder }: InsideOptions): string[] {
  const passed = [
    "CODER_AGENT_TOKEN",
    "CODER_AGENT_URL",
    "CODER_AGENT_EXIT_WITH_INPUT",
    "CODER_AGENT_DEVCONTAINERS_ENABLE",
  ];
  return [
    "exec",
    "--interactive",
    ...(user ? ["--user", user] : []),
    ...(folder ? ["--workdir", folder] : []),
    ...passed.flatMap((name) => ["--env", name]),
    containerId,
    EXECUTABLE,
    "agent",
  ];
}

async function install(
  containerId: string,
  { execPath, script }: Program,
  env: Record<string, string>,
): Promise<void> {
  if (script !== undefined) {
    throw new FleetError(
      "failed_precondition",
      `The agent cannot be copied into a dev container, because it is not the single executable but runs by ${basename(execPath)}.`,
    );
  }
  const inContainer = (...command: string[]) =>
    runProgram("docker", ["exec", "--user", "root", containerId, ...command], { env });
  const machine = (await inContainer("uname", "-m")).trim();
  if (machine !== MACHINES[arch()]) {
    throw new FleetError(
      "failed_precondition",
      `The dev container is for ${machine}, and this workspace's agent for ${MACHINES[arch()] ?? arch()}.`,
    );
  }
  const version = `${VERSION} ${(await stat(execPath)).size}`;
  const present = await inContainer("cat", `${FOLDER}/version`).catch(() => "");
  if (present.trim() === version) return;
  await inContainer("mkdir", "-p", FOLDER);
  await runProgram("docker", ["cp", "--follow-link", execPath, `${containerId}:${EXECUTABLE}`], { env });
  await inContainer("chmod", "-R", "a+rX", FOLDER);
  await inContainer("chmod", "a+x", EXECUTABLE);
  await inContainer("sh", "-c", `echo '${version}' > ${FOLDER}/version`);
}

/** What `uname -m` says, by Node's name. */
const MACHINES: Record<string, string> = { x64: "x86_64", arm64: "aarch64", arm: "armv7l" };
