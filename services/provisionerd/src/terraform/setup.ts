import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Clock, Closer, Logger } from "@fleet/base";
import type { Provisioner } from "@fleet/provisionersdk";
import { type CacheLimits, createDiskCache, UNLIMITED } from "../cache.js";
import { terraformEnvironment } from "./environment.js";
import { createInstallations } from "./installations.js";
import { createProviderPackages } from "./packages.js";
import { createTerraformProvisioner } from "./terraform.js";
import { findTool } from "./tool.js";
import { startWarden } from "./warden.js";
import { createWorkFolders } from "./workdir.js";

export type SetUpOptions = {
  cacheDirectory: string;
  /** Unlimited if left out. */
  cacheLimits?: CacheLimits;
  /** CODER_TERRAFORM_PATH and CODER_TERRAFORM_CLI_CONFIG. */
  terraformPath: string | undefined;
  cliConfig: string | undefined;
  hostEnv: Readonly<Record<string, string | undefined>>;
  closer: Closer;
  clock: Clock;
  logger: Logger;
};

/** Finds terraform, cleans up after dead runs in the cache folder, and creates the provisioner. */
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
  const tool = await findTool({
    configured: options.terraformPath,
    searchPath: hostEnv.PATH ?? "",
    cacheDirectory,
    logger,
  });
  logger.info("Using Terraform to run templates.", { path: tool.path, version: tool.version });
  const warden = startWarden();
  closer.add(() => warden.close());
  return createTerraformProvisioner({
    tool,
    work: await createWorkFolders(join(cacheDirectory, "work"), clock),
    packages,
    installations,
    warden,
    env: terraformEnvironment({ host: hostEnv, cliConfig: options.cliConfig }),
    clock,
    logger,
  });
}
