import { access, constants } from "node:fs/promises";
import { delimiter, isAbsolute, join } from "node:path";
import { type Clock, errorMessage, FleetError, type Logger } from "@fleet/base";
import {
  ageOf,
  ENGINES,
  type Engine,
  type EngineName,
  type EngineSetting,
  enginesOf,
  titleOf,
} from "./engine.js";
import { fetchEngine, fetchedPath, touch } from "./fetch.js";
import { probe } from "./probe.js";
import type { Release } from "./releases.js";

const HOW =
  "Install Terraform 1.14 or later or OpenTofu 1.12 or later on PATH, or set CODER_TERRAFORM_PATH to its executable.";

export type FindOptions = {
  /** CODER_TERRAFORM_ENGINE. */
  setting: EngineSetting;
  /** CODER_TERRAFORM_PATH: if set, no other program is used. */
  configured: string | undefined;
  searchPath: string;
  /** Folder of fetched engines. */
  directory: string;
  /** CODER_TERRAFORM_MIRROR. */
  mirror: string | undefined;
  /** The engine's environment. */
  env: Readonly<Record<string, string>>;
  clock: Clock;
  logger: Logger;
  releases?: Readonly<Record<EngineName, Release>>;
};

/**
 * Finds the engine: the configured program; a current one on PATH; one that was fetched before; the pinned release,
 * fetched and verified; and if that cannot be had, an outdated one on PATH, with a sentence in `outdated`. Throws
 * `failed_precondition` with a message that says what to do.
 */
export async function findEngine(options: FindOptions): Promise<Engine> {
  if (options.configured) return configuredEngine(options.configured, options);
  const { logger, clock } = options;
  const names = enginesOf(options.setting);
  const { current, outdated } = await searchPath(names, options);
  if (current) return current;

  const fetches = names.map((name) => ({ ...options, name, release: options.releases?.[name] }));
  for (const fetch of fetches) {
    const path = fetchedPath(fetch);
    if (!(await isExecutable(path))) continue;
    await touch(path, clock);
    try {
      return await probe(path, options.env);
    } catch (error) {
      logger.warn("The downloaded engine does not run; downloading it again.", {
        path,
        error: errorMessage(error),
      });
    }
  }
  const found = outdated && neededSentence(outdated);
  logger.info(found ?? "Found no Terraform or OpenTofu on PATH; downloading it.");
  const failures: string[] = [];
  for (const fetch of fetches) {
    try {
      return await probe(await fetchEngine(fetch), options.env);
    } catch (error) {
      failures.push(errorMessage(error));
    }
  }
  if (outdated) {
    return {
      ...outdated,
      outdated: `${found} ${failures.join(" ")} Templates that need a later version fail.`,
    };
  }
  throw new FleetError(
    "failed_precondition",
    `Found no Terraform or OpenTofu on PATH. ${failures.join(" ")} ${HOW}`,
  );
}

async function configuredEngine(path: string, options: FindOptions): Promise<Engine> {
  const engine = await probe(path, options.env).catch((cause) => {
    throw new FleetError(
      "failed_precondition",
      `Could not run ${path} (CODER_TERRAFORM_PATH) as Terraform or OpenTofu. ${HOW}`,
      { cause },
    );
  });
  if (!enginesOf(options.setting).includes(engine.name)) {
    throw new FleetError(
      "failed_precondition",
      `CODER_TERRAFORM_PATH is ${titleOf(engine)}, but CODER_TERRAFORM_ENGINE is ${options.setting}.`,
    );
  }
  switch (ageOf(engine)) {
    case "current":
      return engine;
    case "outdated":
      return {
        ...engine,
        outdated: `${neededSentence(engine)} It is used because CODER_TERRAFORM_PATH is set; templates that need a later version fail.`,
      };
    case "unusable":
      throw new FleetError("failed_precondition", `${neededSentence(engine)} ${HOW}`);
  }
}

/** The first current engine on PATH, and the first outdated one. */
async function searchPath(
  names: readonly EngineName[],
  { searchPath, env, logger }: FindOptions,
): Promise<{ current?: Engine; outdated?: Engine }> {
  const folders = [...new Set(searchPath.split(delimiter).filter(isAbsolute))];
  let outdated: Engine | undefined;
  for (const path of names.flatMap((name) => folders.map((folder) => join(folder, ENGINES[name].program)))) {
    if (!(await isExecutable(path))) continue;
    try {
      const engine = await probe(path, env);
      const age = ageOf(engine);
      if (age === "current") return { current: engine };
      if (age === "outdated") outdated ??= engine;
      else logger.warn(`${neededSentence(engine)} It is not used.`);
    } catch (error) {
      logger.warn("An executable on PATH cannot be used to run templates.", {
        path,
        error: errorMessage(error),
      });
    }
  }
  return { ...(outdated && { outdated }) };
}

function neededSentence(engine: Engine): string {
  return `${engine.path} is ${titleOf(engine)}, but templates need ${ENGINES[engine.name].needed} or later.`;
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
