import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Clock, Closer, Logger } from "@fleet/base";
import type { Provisioner } from "@fleet/provisionersdk";
import { type CacheLimits, createDiskCache, UNLIMITED } from "../cache.js";
import { type EngineSetting, titleOf } from "../engine/engine.js";
import { findEngine } from "../engine/find.js";
import { createIsolation, type IsolationSetting } from "../isolation/isolation.js";
import type { JobLimits } from "../isolation/limits.js";
import { terraformEnvironment } from "./environment.js";
import { createInstallations } from "./installations.js";
import { createProviderPackages } from "./packages.js";
import { createTerraformProvisioner } from "./terraform.js";
import { startWarden } from "./warden.js";
import { createWorkFolders } from "./workdir.js";

/** The daemon's settings for the engine, see config.ts. */
export type EngineSettings = {
  engine?: EngineSetting;
  terraformPath: string | undefined;
  /** By default in the cache folder. */
  engineDirectory?: string;
  mirror?: string | undefined;
  /** False if left out, see TerraformOptions. */
  honorsPins?: boolean;
  cliConfig: string | undefined;
};

/** The daemon's settings for isolation, see config.ts. */
export type IsolationSettings = { setting: IsolationSetting; hidden: string[] };

const NO_LIMITS: JobLimits = {
  timeoutMs: 2 ** 31 - 1,
  diskBytes: Number.POSITIVE_INFINITY,
  memoryBytes: Number.MAX_SAFE_INTEGER,
  processes: 1_000_000,
};

export type SetUpOptions = EngineSettings & {
  cacheDirectory: string;
  /** Unlimited if left out. */
  cacheLimits?: CacheLimits;
  /** Gets a sentence if the engine is older than templates may need. */
  onOutdated?(sentence: string): void;
  /** By default, templates run as this process does. */
  isolation?: IsolationSettings;
  /** By default, jobs may use everything. */
  limits?: JobLimits;
  /** Gets a sentence if templates are not isolated although nobody asked for that. */
  onUnprotected?(sentence: string): void;
  hostEnv: Readonly<Record<string, string | undefined>>;
  closer: Closer;
  clock: Clock;
  logger: Logger;
};

/** Finds the engine, cleans up after dead runs in the cache folder, and creates the provisioner. */
export async function setUpTerraform(options: SetUpOptions): Promise<Provisioner> {
  const { cacheDirectory, hostEnv, closer, clock, logger } = options;
  const [providersRoot, modulesRoot, indexRoot] = ["providers", "modules", "installed"].map((name) =>
    join(cacheDirectory, name),
  ) as [string, string, string];
  const cache = createDiskCache({
    folders: [join(cacheDirectory, "files"), providersRoot, modulesRoot, indexRoot],
    limits: options.cacheLimits ?? UNLIMITED,
    clock,
  });
  // Caches of earlier releases.
  for (const name of ["plugins", "prepared"])
    await rm(join(cacheDirectory, name), { recursive: true, force: true });
  const packages = await createProviderPackages(providersRoot, cache);
  const installations = await createInstallations({ modulesRoot, indexRoot, packages, cache });
  await cache.evict();
  const limits = options.limits ?? NO_LIMITS;
  const env = terraformEnvironment({ host: hostEnv, cliConfig: options.cliConfig, logger });
  const tool = await findEngine({
    setting: options.engine ?? "auto",
    configured: options.terraformPath,
    searchPath: hostEnv.PATH ?? "",
    directory: options.engineDirectory ?? join(cacheDirectory, "engines"),
    mirror: options.mirror,
    env,
    clock,
    logger,
  });
  logger.info(`Using ${titleOf(tool)} to run templates.`, { path: tool.path });
  if (tool.outdated) {
    logger.warn(tool.outdated);
    options.onOutdated?.(tool.outdated);
  }
  const work = await createWorkFolders(join(cacheDirectory, "work"), clock);
  const isolation = await createIsolation({
    setting: options.isolation?.setting ?? "none",
    hidden: options.isolation?.hidden ?? [],
    limits,
    cacheDirectory,
    needs: [tool.path, ...(env.TF_CLI_CONFIG_FILE ? [env.TF_CLI_CONFIG_FILE] : [])],
    readable: [providersRoot],
    searchPath: hostEnv.PATH ?? "",
    logger,
  });
  logger.info("Templates are isolated.", { isolation: isolation.kind });
  if (isolation.warning) {
    logger.warn(isolation.warning);
    options.onUnprotected?.(isolation.warning);
  }
  const warden = startWarden();
  closer.add(() => warden.close());
  return createTerraformProvisioner({
    tool,
    work,
    isolation,
    limits,
    packages,
    installations,
    honorsPins: options.honorsPins ?? false,
    warden,
    env,
    clock,
    logger,
  });
}
