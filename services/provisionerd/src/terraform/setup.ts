import { join } from "node:path";
import type { Clock, Closer, Logger } from "@fleet/base";
import type { Provisioner } from "@fleet/provisionersdk";
import { terraformEnvironment } from "./environment.js";
import { openPluginCache } from "./plugins.js";
import { createPreparedVersions } from "./prepared.js";
import { createTerraformProvisioner } from "./terraform.js";
import { findTool } from "./tool.js";
import { startWarden } from "./warden.js";
import { createWorkFolders } from "./workdir.js";

export type SetUpOptions = {
  cacheDirectory: string;
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
  const pluginCache = join(cacheDirectory, "plugins");
  const preparedRoot = join(cacheDirectory, "prepared");
  const prepared = await createPreparedVersions(preparedRoot, clock);
  await openPluginCache(pluginCache, preparedRoot, clock);
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
    prepared,
    warden,
    env: terraformEnvironment({ host: hostEnv, pluginCache, cliConfig: options.cliConfig }),
    clock,
    logger,
  });
}
