import { join } from "node:path";
import { errorMessage, FleetError, isFleetError } from "@fleet/base";
import { LogLevel, Transition } from "@fleet/proto-gen/provisioner";
import {
  type ArchiveEntry,
  folderReadsOwnerSession,
  foreignBackend,
  hasConfiguration,
  instancesOfState,
  needsNoInit,
  type PlanRequest,
  type PreparedVersionInit,
  type Provisioner,
  type ProvisionerSession,
  parseGraph,
  pinWarning,
  readArchive,
  readConfiguration,
  readmeOf,
  reduceConfiguration,
  type SessionRequest,
  stateEncryption,
  usesForeignModules,
  variablesOf,
  writeEntries,
} from "@fleet/provisionersdk";
import { PROVIDER_VERSION } from "@fleet/terraform-provider";
import type { EngineName } from "../engine/engine.js";
import { watchJob } from "../isolation/limits.js";
import { apply } from "./apply.js";
import { createEvaluator } from "./evaluation/evaluate.js";
import { drawGraph } from "./graph.js";
import { initialize } from "./init.js";
import { LOCK_FILE } from "./installations.js";
import { STATE_FILE, type TerraformJob, type TerraformOptions } from "./job.js";
import { planWithMocks } from "./mocks.js";
import { plan, preview, price } from "./plan.js";
import { readIfThere, writeInJob } from "./read.js";

/** A provisioner that runs terraform, with the coder provider served from this process. */
export function createTerraformProvisioner(options: TerraformOptions): Provisioner {
  return {
    name: "terraform",
    evaluate: createEvaluator(options),
    async open(request) {
      const place = await options.work.create(request.jobId);
      const boundary = await options.isolation.enter(request.jobId, place);
      const { limits, clock } = options;
      const { group } = boundary;
      const watch = watchJob({ limits, place: place.place, stop: request.stop, group, clock });
      const job: TerraformJob = {
        ...options,
        ...place,
        request,
        boundary,
        watch,
        told: new Set(),
        launchesProvider: false,
      };
      try {
        return await openSession(job);
      } catch (error) {
        await closeJob(job);
        throw error;
      }
    },
  };
}

async function closeJob(job: TerraformJob): Promise<void> {
  job.watch.close();
  await job.boundary[Symbol.asyncDispose]();
  await job.work.remove(job.place);
}

async function openSession(job: TerraformJob): Promise<ProvisionerSession> {
  const { request, folder } = job;
  const entries = await unpack(request, folder, job.tool.name);
  const configuration = readConfiguration(entries, job.tool.name);
  const backend = foreignBackend(configuration);
  if (backend !== undefined) {
    throw new FleetError(
      "invalid_argument",
      `${backend}: Workspace state is stored by the server. Remove this block.`,
    );
  }
  const encrypted = stateEncryption(configuration);
  if (encrypted !== undefined) {
    throw new FleetError(
      "invalid_argument",
      `${encrypted}: Workspace state is read by the server, so the template cannot encrypt it. Remove this block.`,
    );
  }
  const pin = pinWarning(configuration, PROVIDER_VERSION);
  job.launchesProvider = pin !== undefined && job.honorsPins;
  requireReadable(request.state);
  if (request.state.length > 0) await writeInJob(join(folder, STATE_FILE), request.state);
  await job.boundary.handOver(folder);

  let ready: Promise<void> | undefined;
  let graph: Promise<string> | undefined = request.prepared?.graph
    ? Promise.resolve(request.prepared.graph)
    : undefined;
  let planned: PlanRequest | undefined;
  const prepareFor = (values: PlanRequest) => {
    ready ??= initialize(job, configuration, values);
    return ready;
  };
  const graphFor = (values: PlanRequest) => () => {
    graph ??= drawGraph(job, values);
    return graph;
  };

  return {
    stateFile: join(folder, STATE_FILE),
    mayCost: mayCost(entries, request.prepared?.graph, job.tool.name),
    init: (values) => prepareFor(values),
    async parse() {
      return { variables: variablesOf(configuration), readme: readmeOf(entries) };
    },
    async plan(values) {
      await prepareFor(values);
      if (pin && !job.launchesProvider && values.metadata.transition === Transition.START) {
        request.report.log(LogLevel.WARN, pin);
      }
      if (values.mockProviders) return planWithMocks(job, configuration, values, graphFor(values));
      const result = await plan(job, values, graphFor(values));
      planned = values;
      return result;
    },
    async price(values) {
      await prepareFor(values);
      const credits = await price(job, values);
      planned = values;
      return credits;
    },
    async preview(values) {
      await prepareFor(values);
      const result = await preview(job, values);
      planned = values;
      return result;
    },
    async apply(values, onPlanned) {
      await prepareFor(values);
      return apply(job, values, { planned: planned === values, graph: graphFor(values), onPlanned });
    },
    async prepare() {
      return {
        ...(await publish(job)),
        graph: (await graph) ?? "",
        providerLock: (await readIfThere(join(folder, LOCK_FILE))) ?? new Uint8Array(),
        skipInit: needsNoInit(configuration) && !job.launchesProvider,
        dynamicParameters: await hasDynamicParameters(folder),
        noOwnerSession: !(await folderReadsOwnerSession(folder)),
      };
    },
    [Symbol.asyncDispose]: () => closeJob(job),
  };
}

/** False for a configuration that cannot be evaluated: its parameters stay as the import found them. */
async function hasDynamicParameters(folder: string): Promise<boolean> {
  try {
    return (await reduceConfiguration(folder)).dynamic;
  } catch (error) {
    if (isFleetError(error)) return false;
    throw error;
  }
}

/** Uploads what an import installed, or says in its log why each daemon has to run init instead. */
async function publish({ installed, installations, request }: TerraformJob): Promise<PreparedVersionInit> {
  if (!installed) return {};
  const tell = (reason: string) => {
    const consequence = "Builds run init on each daemon that has not built this version yet.";
    request.report.log(
      LogLevel.WARN,
      `The version's modules and providers are not stored on the server: ${reason} ${consequence}`,
    );
    return {};
  };
  if ("problem" in installed) return tell(installed.problem);
  try {
    const published = await installations.publish(installed, request.archives);
    return "refusal" in published ? tell(published.refusal) : { installation: published };
  } catch (error) {
    if (!isFleetError(error) || request.stop.graceful.aborted) throw error;
    return tell(error.message);
  }
}

/** Says how to go on if the workspace's state is none, which the engine would not. */
function requireReadable(state: Uint8Array): void {
  try {
    instancesOfState(state);
  } catch (cause) {
    throw new FleetError(
      "failed_precondition",
      `${errorMessage(cause)} Restore an earlier state with: coder state restore`,
      { cause },
    );
  }
}

async function unpack({ source }: SessionRequest, folder: string, engine: EngineName) {
  const entries = await readArchive(await source.read(), source.mimetype);
  if (!hasConfiguration(entries, engine)) {
    if (hasConfiguration(entries, "opentofu")) {
      throw new FleetError(
        "invalid_argument",
        "The template has only .tofu files, which Terraform does not read. Set CODER_TERRAFORM_ENGINE to opentofu.",
      );
    }
    throw new FleetError(
      "invalid_argument",
      "The template has no .tf file at its root. Push the directory that contains main.tf.",
    );
  }
  await writeEntries(entries, folder);
  return entries;
}

/**
 * False if no resource can have a `daily_cost`. Costs come from coder_metadata only, and the graph names each one,
 * including those in modules; the attribute's name appears in a file's text, which is searched if all files are
 * available.
 */
function mayCost(entries: readonly ArchiveEntry[], graph: string | undefined, engine: EngineName): boolean {
  if (graph) {
    const labels = [...parseGraph(graph).labels()];
    if (!labels.some((label) => /(^|\.)coder_metadata\./.test(label))) return false;
  }
  return (
    usesForeignModules(entries, engine) ||
    entries.some((entry) => Buffer.from(entry.bytes).includes("daily_cost"))
  );
}
