import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { errorMessage, isFleetError, retry } from "@fleet/base";
import { LogLevel } from "@fleet/proto-gen/provisioner";
import { type Configuration, instancesOfState, needsNoInit, type PlanRequest } from "@fleet/provisionersdk";
import { LOCK_FILE, type TerraformJob } from "./job.js";
import { preparedKey, readIfThere } from "./prepared.js";
import { runUi, timed, withProvider } from "./run.js";

/** Attempts of `init`, in case concurrent installs into the shared cache conflict. */
const RACE_RETRIES = { attempts: 3, policy: { initialMs: 500, maxMs: 3_000, factor: 2 } };
const RACE = /text file busy|ETXTBSY/i;

/** Providers that need no installation. */
const HOSTED = /(^|\/)(coder\/coder|builtin\/terraform)$/;

/**
 * Prepares the folder for plan and apply in the cheapest way: nothing if only coder and built-in providers are used,
 * the cached result of an earlier job of this version, or `terraform init`.
 */
export async function initialize(
  job: TerraformJob,
  configuration: Configuration,
  request: PlanRequest,
): Promise<void> {
  const foreign = foreignProviders(job.request.state);
  if (needsNoInit(configuration) && foreign.length === 0) return;

  const key = preparedKey(job.request.source.sha256, job.tool.version);
  if ((await job.prepared.restore(key, job.folder)) && (await lockNames(job.folder, foreign))) return;

  const ownLock = await readIfThere(join(job.folder, LOCK_FILE));
  const lock = job.request.prepared?.providerLock;
  const given = ownLock === undefined && lock !== undefined && lock.length > 0;
  if (given) await writeFile(join(job.folder, LOCK_FILE), lock);
  const init = () => serialized(() => runInit(job, request));
  await timed(job, "init", "init", async () => {
    try {
      await init();
    } catch (error) {
      if (!given || !isFleetError(error, "failed_precondition")) throw error;
      // The lock file was created on another platform; its hashes do not apply here.
      await rm(join(job.folder, LOCK_FILE), { force: true });
      await init();
    }
  });
  if (foreign.length === 0) await job.prepared.store(key, job.folder);
}

async function runInit(job: TerraformJob, request: PlanRequest): Promise<void> {
  const init = () =>
    withProvider(job, request, (env) =>
      runUi(job, { stage: "init", args: ["init", "-json", "-input=false", "-no-color"], env }),
    );
  await retry(init, {
    ...RACE_RETRIES,
    clock: job.clock,
    signal: job.request.stop.graceful,
    retryable: (error) => RACE.test(errorMessage(error)),
    onRetry() {
      const message = "Another job is installing a provider; retrying init.";
      job.request.report.log(LogLevel.WARN, message);
    },
  });
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

async function lockNames(folder: string, providers: readonly string[]): Promise<boolean> {
  const lock = new TextDecoder().decode((await readIfThere(join(folder, LOCK_FILE))) ?? new Uint8Array());
  return providers.every((provider) => lock.includes(`"${provider}"`));
}

let last: Promise<unknown> = Promise.resolve();

/** Runs one `init` at a time, because they share the plugin cache, which terraform does not lock. */
function serialized<T>(work: () => Promise<T>): Promise<T> {
  const turn = last.then(work, work);
  last = turn.catch(() => {});
  return turn;
}
