import { dirname } from "node:path";
import { FleetError } from "@fleet/base";
import type { PlanRequest } from "@fleet/provisionersdk";
import { type HostOptions, hostProvider } from "@fleet/terraform-provider";
import { ENGINES, type Engine, titleOf } from "../engine/engine.js";
import { capture, runCommand } from "./command.js";
import {
  keptTokens,
  providerEnvironment,
  reattachEnvironment,
  socketOf,
  variableEnvironment,
} from "./environment.js";
import type { TerraformJob } from "./job.js";
import { createLineSplitter } from "./lines.js";
import { createUiReader, logTrace } from "./ui.js";

/**
 * Runs `work` with the coder provider serving one request's metadata and values. A provider that the engine starts itself
 * reads them from its environment.
 */
export async function withProvider<T>(
  job: TerraformJob,
  request: PlanRequest,
  work: (env: Record<string, string>) => Promise<T>,
  onPlanned?: HostOptions["onPlanned"],
): Promise<T> {
  const env = { ...providerEnvironment(request), ...keptTokens(request, job.request.state) };
  if (job.launchesProvider) {
    return await work({
      ...job.env,
      ...env,
      ...variableEnvironment(request),
      ...(job.request.debug && { TF_LOG: "JSON" }),
    });
  }
  await using provider = await hostProvider({ env, logger: job.logger, onPlanned });
  const pid = job.boundary.reattachPid(job.warden.pid);
  await job.boundary.handOver(dirname(socketOf(provider.reattach)));
  return await work({
    ...job.env,
    ...job.boundary.env,
    ...variableEnvironment(request),
    ...reattachEnvironment(provider.reattach, pid),
    ...(job.request.debug && { TF_LOG: "JSON" }),
  });
}

export type UiCommand = {
  stage: string;
  args: readonly string[];
  env: Record<string, string>;
  onPlanned?(): void;
  /** Takes a line before it is logged; true keeps it out of the log. Such lines may be up to `MAX_TAKEN_BYTES`. */
  take?(line: string): boolean;
};

/** A plan that terraform prints on one line, with the schemas of its providers. */
const MAX_TAKEN_BYTES = 64 * 1024 * 1024;

/** Runs a terraform command with JSON output. Throws terraform's error messages if it fails. */
export async function runUi(job: TerraformJob, command: UiCommand): Promise<void> {
  const { stage, args, env, onPlanned, take } = command;
  const { report, stop } = job.request;
  let planned = args[0] === "apply" && !args.includes("-auto-approve");
  const reader = createUiReader({
    stage,
    report,
    told: job.told,
    onPlanned() {
      planned = true;
      onPlanned?.();
    },
  });
  const words: string[] = [];
  const output = take
    ? createLineSplitter((line, cut) => take(line) || reader.line(line, cut), MAX_TAKEN_BYTES)
    : createLineSplitter(reader.line);
  const errors = createLineSplitter((line) => {
    logTrace(report, line);
    if (!job.request.debug && words.length < 20) words.push(line);
  });
  const status = await runCommand({
    ...commandIn(job, args, env),
    onStdout: output.push,
    onStderr: errors.push,
  });
  output.end();
  errors.end();
  await job.boundary.settle();
  if (status !== 0) await throwOverrun(job, args);
  if (stop.graceful.aborted && status !== 0) throw new FleetError("canceled", "The job was canceled.");
  if (status === 0) return;
  const detail = reader.errors.join("\n") || words.join(" ").trim() || `exited with status ${status}.`;
  const hint = planned ? undefined : versionHint(job.tool);
  throw new FleetError(
    "failed_precondition",
    `${commandOf(job, args)}: ${detail}${hint === undefined ? "" : `\n${hint}`}`,
  );
}

function commandOf(job: TerraformJob, args: readonly string[]): string {
  return `${ENGINES[job.tool.name].program} ${args[0]}`;
}

/** What a configuration's error may have to do with the engine's version. */
function versionHint(engine: Engine): string | undefined {
  if (!engine.outdated) return undefined;
  const { title, needed } = ENGINES[engine.name];
  return `This may be because the provisioner runs ${titleOf(engine)}: templates can need ${title} ${needed} or later.`;
}

/** Runs a terraform command and returns its output. */
export async function captureOf(
  job: TerraformJob,
  args: readonly string[],
  env: Record<string, string>,
): Promise<string> {
  const { TF_LOG: _, ...quiet } = env;
  try {
    return await capture(commandIn(job, args, quiet), commandOf(job, args));
  } catch (error) {
    await throwOverrun(job, args);
    throw error;
  } finally {
    await job.boundary.settle();
  }
}

function commandIn(job: TerraformJob, args: readonly string[], env: Record<string, string>) {
  const { tool, folder, boundary, watch, warden } = job;
  const reattach = env.TF_REATTACH_PROVIDERS;
  const shared = reattach ? [dirname(socketOf(reattach))] : [];
  return {
    launch: boundary.launch(tool.path, args, { cwd: folder, shared }),
    cwd: folder,
    env,
    stop: watch.stop,
    warden,
  };
}

/** Throws which limit the job has exceeded, if it has. */
async function throwOverrun(job: TerraformJob, args: readonly string[]): Promise<void> {
  if (job.request.stop.graceful.aborted) return;
  const sentence = await job.watch.overrun();
  if (sentence !== undefined)
    throw new FleetError("failed_precondition", `${commandOf(job, args)}: ${sentence}`);
}

/** Runs the work and reports its duration as one timing of the phase. */
export async function timed<T>(
  job: TerraformJob,
  stage: string,
  action: string,
  work: () => Promise<T>,
): Promise<T> {
  const startedAt = job.clock.now();
  let failed = true;
  try {
    const result = await work();
    failed = false;
    return result;
  } finally {
    const stamp = (date: Date) => ({
      seconds: BigInt(Math.floor(date.getTime() / 1000)),
      nanos: (date.getTime() % 1000) * 1e6,
    });
    job.request.report.timing({
      startedAt: stamp(startedAt),
      endedAt: stamp(job.clock.now()),
      stage,
      source: "terraform",
      action,
      failed,
    });
  }
}
