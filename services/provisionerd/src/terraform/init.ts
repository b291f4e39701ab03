import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { isFleetError } from "@fleet/base";
import { LogLevel } from "@fleet/proto-gen/provisioner";
import { type Configuration, instancesOfState, needsNoInit, type PlanRequest } from "@fleet/provisionersdk";
import type { EngineName } from "../engine/engine.js";
import { fromMessage, installationKey, LOCK_FILE } from "./installations.js";
import type { TerraformJob } from "./job.js";
import { readIfThere, writeInJob } from "./read.js";
import { runUi, timed, withProvider } from "./run.js";

/** Providers that need no installation. */
const HOSTED = /(^|\/)(coder\/coder|builtin\/terraform)$/;

/**
 * Prepares the folder for plan and apply in the cheapest way: nothing if only coder and built-in providers are used;
 * what the version's import installed; or `terraform init`. An import always runs `init`: it decides which modules and
 * providers the version has.
 */
export async function initialize(
  job: TerraformJob,
  configuration: Configuration,
  request: PlanRequest,
): Promise<void> {
  const foreign = foreignProviders(job.request.state);
  if (needsNoInit(configuration) && foreign.length === 0 && !job.launchesProvider) return;
  const { prepared, source } = job.request;
  const key = installationKey(source.sha256, job.tool.name, job.tool.version);
  if (prepared && (await restore(job, key)) && (await lockNames(job, foreign))) return;

  const ownLock = await readIfThere(join(job.folder, LOCK_FILE));
  const lock = prepared?.providerLock;
  const given = ownLock === undefined && lock !== undefined && lock.length > 0;
  if (given) await writeInJob(join(job.folder, LOCK_FILE), lock);
  await timed(job, "init", "init", async () => {
    try {
      await runInit(job, request);
    } catch (error) {
      if (!given || !isFleetError(error, "failed_precondition")) throw error;
      // The lock file was created on another platform; its hashes do not apply here.
      await rm(join(job.folder, LOCK_FILE), { force: true });
      await runInit(job, request);
    }
  });
  if (foreign.length === 0) job.installed = await job.installations.capture(key, job.tool.name, job.folder);
}

/** Restores what the import published, or else what this machine remembers. */
async function restore(job: TerraformJob, key: string): Promise<boolean> {
  const { prepared, archives, report } = job.request;
  const { installation, providerLock = new Uint8Array() } = prepared!;
  const published = installation && fromMessage(installation, providerLock);
  const installed = published?.engine === job.tool.name ? published : await job.installations.remembered(key);
  if (!installed) return false;
  try {
    await job.installations.restore(installed, job.folder, archives);
    await job.boundary.handOver(job.folder);
    return true;
  } catch (error) {
    if (!isFleetError(error) || job.request.stop.graceful.aborted) throw error;
    report.log(
      LogLevel.WARN,
      `Could not restore the version's modules and providers: ${error.message} Running init.`,
    );
    await rm(join(job.folder, ".terraform"), { recursive: true, force: true });
    return false;
  }
}

/**
 * Runs `init` with a plugin cache of its own, of links to the packages that are here: nothing that another job may run
 * is written to.
 */
async function runInit(job: TerraformJob, request: PlanRequest): Promise<void> {
  const pluginCache = job.plugins;
  const lock = (await readIfThere(join(job.folder, LOCK_FILE))) ?? new Uint8Array();
  for (const name of await readdir(pluginCache)) {
    await rm(join(pluginCache, name), { recursive: true, force: true });
  }
  await job.packages.seed(pluginCache, Buffer.from(lock).toString());
  await job.boundary.handOver(pluginCache);
  await job.boundary.handOver(job.folder);
  const cacheEnv = {
    TF_PLUGIN_CACHE_DIR: pluginCache,
    // Without it, terraform uses the cache only for providers in a lock file.
    TF_PLUGIN_CACHE_MAY_BREAK_DEPENDENCY_LOCK_FILE: "1",
  };
  await withProvider(job, request, (env) =>
    runUi(job, {
      stage: "init",
      args: ["init", "-json", "-input=false", "-no-color"],
      env: { ...env, ...cacheEnv },
    }),
  );
}

/**
 * Providers of resources in the state that the configuration no longer names; terraform needs them to destroy those
 * resources.
 */
function foreignProviders(state: Uint8Array): string[] {
  return [...new Set(instancesOfState(state).map((instance) => instance.provider))].filter(
    (provider) => !HOSTED.test(provider),
  );
}

/** OpenTofu replaces Terraform's registry in a state by its own, which has the same providers. */
const ownRegistry = (provider: string, engine: EngineName) =>
  engine === "opentofu" ? provider.replace(/^registry\.terraform\.io\//, "registry.opentofu.org/") : provider;

async function lockNames({ folder, tool }: TerraformJob, providers: readonly string[]): Promise<boolean> {
  const lock = new TextDecoder().decode((await readIfThere(join(folder, LOCK_FILE))) ?? new Uint8Array());
  return providers.every((provider) => lock.includes(`"${ownRegistry(provider, tool.name)}"`));
}
