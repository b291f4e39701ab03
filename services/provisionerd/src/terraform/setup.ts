import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Clock, Closer, Logger } from "@fleet/base";
import type { Provisioner } from "@fleet/provisionersdk";
import { type CacheLimits, createDiskCache, UNLIMITED } from "../cache.js";
import { type EngineSetting, titleOf } from "../engine/engine.js";
import { findEngine } from "../engine/find.js";
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

export type SetUpOptions = EngineSettings & {
  cacheDirectory: string;
  /** Unlimited if left out. */
  cacheLimits?: CacheLimits;
  /** Gets a sentence if the engine is older than templates may need. */
  onOutdated?(sentence: string): void;
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
  const warden = startWarden();
  closer.add(() => warden.close());
  return createTerraformProvisioner({
    tool,
    work: await createWorkFolders(join(cacheDirectory, "work"), clock),
    packages,
    installations,
    honorsPins: options.honorsPins ?? false,
    warden,
    env,
    clock,
    logger,
  });
}
