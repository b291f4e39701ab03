import type { Clock, Logger } from "@fleet/base";
import { errorMessage, FleetError, isFleetError } from "@fleet/base";
import type { CompleteJobRequest, Job } from "@fleet/proto-gen/provisioner";
import type { Provisioner } from "@fleet/provisionersdk";
import { context, propagation, SpanStatusCode, trace } from "@opentelemetry/api";
import { createArchiveTransfer } from "../archives.js";
import type { CoderdClient } from "../coderd-client.js";
import type { FileCache } from "../files.js";
import type { JobCalls } from "../job-calls.js";
import type { Journal } from "../journal.js";
import type { Stopwatch } from "../stopwatch.js";
import { runBuild } from "./build.js";
import type { JobContext } from "./context.js";
import { runDryRun } from "./dry-run.js";
import { JobFailed } from "./failure.js";
import { runImport } from "./import.js";
import { buildOf } from "./job-build.js";
import type { JobLease } from "./lease.js";
import { createMask, secretsOf } from "./mask.js";
import { type JobEnd, type JobOutcome, report } from "./report.js";
import type { JobStop } from "./stop.js";
import { createJobUpdates } from "./updates.js";
import { runWorkspacePlan } from "./workspace-plan.js";

export type RunnerOptions = {
  client: CoderdClient;
  calls: JobCalls;
  daemonId: string;
  provisioners: ReadonlyMap<string, Provisioner>;
  files: FileCache;
  journal: Journal;
  stopwatch: Pick<Stopwatch, "readMs">;
  /** How long terraform gets to exit after an interrupt before it is killed, in milliseconds. */
  forceCancelIntervalMs: number;
  /** Called when only the result is left to send, and again at the end. */
  onWorked(): void;
  clock: Clock;
  logger: Logger;
};

/** Runs a claimed job, from its archive to its acknowledged result. Never rejects. */
export async function runJob(
  job: Job,
  stop: JobStop,
  lease: JobLease,
  options: RunnerOptions,
): Promise<JobOutcome> {
  const { client, calls, daemonId, clock } = options;
  const logger = options.logger.child({ jobId: job.id });
  const parent = propagation.extract(context.active(), job.traceContext);
  const tracer = trace.getTracer("provisionerd");
  const span = tracer.startSpan(`job ${job.type.case}`, { attributes: { "job.id": job.id } }, parent);
  const active = trace.setSpan(parent, span);
  const startedAt = clock.now().getTime();
  const phases: Record<string, number> = {};
  const mask = createMask();
  mask.add(secretsOf(job));
  const updates = createJobUpdates({
    client,
    jobId: job.id,
    daemonId,
    onCanceled: () => stop.request("canceled", options.forceCancelIntervalMs),
    onLost: () => stop.request("lost", 0),
    lease,
    stopwatch: options.stopwatch,
    mask,
    clock,
    logger,
  });
  const phase: JobContext["phase"] = (name, work) =>
    tracer.startActiveSpan(name, {}, active, async (child) => {
      const begin = clock.now().getTime();
      lease.check();
      try {
        return await work();
      } finally {
        phases[name] = (phases[name] ?? 0) + clock.now().getTime() - begin;
        child.end();
      }
    });

  let outcome: JobOutcome = "failed";
  let problem: unknown;
  try {
    const end = await work(job, { ...options, updates, mask, stop, phase });
    options.onWorked();
    outcome = await phase("report", () =>
      report(end, { job, updates, mask, stop, client, calls, daemonId, clock }),
    );
    problem = "error" in end ? end.error : undefined;
    if (job.type.case === "workspaceBuild") await options.journal.remove(job.id);
  } catch (error) {
    problem = error;
    outcome = stop.reason === "lost" ? "lost" : "failed";
  } finally {
    options.onWorked();
    stop.settle();
    updates.abandon();
  }
  const reason = problem === undefined ? undefined : reasonOf(problem);
  if (reason !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: reason });
  span.end();
  logger.info("Job completed.", {
    type: job.type.case,
    provisioner: job.provisioner,
    outcome,
    stopReason: stop.reason,
    durationMs: clock.now().getTime() - startedAt,
    phases,
    ...(reason !== undefined && { reason }),
  });
  return outcome;
}

/**
 * The error for logs and spans. Terraform's output is meant for the user and may contain private data, so only its code
 * is logged.
 */
function reasonOf(problem: unknown): string {
  if (isFleetError(problem, "failed_precondition", "invalid_argument", "canceled")) return problem.code;
  const cause =
    problem instanceof Error && problem.cause !== undefined ? `: ${errorMessage(problem.cause)}` : "";
  return `${errorMessage(problem)}${cause}`;
}

async function work(
  job: Job,
  options: RunnerOptions & Pick<JobContext, "updates" | "mask" | "stop" | "phase">,
): Promise<JobEnd> {
  try {
    return { type: await produce(job, options) };
  } catch (error) {
    if (isFleetError(error)) return { error };
    const hidden = new FleetError(
      "internal",
      "The provisioner failed unexpectedly. See its log for the reason.",
      { cause: error },
    );
    return { error: hidden };
  }
}

async function produce(
  job: Job,
  {
    updates,
    mask,
    stop,
    phase,
    ...options
  }: RunnerOptions & Pick<JobContext, "updates" | "mask" | "stop" | "phase">,
): Promise<CompleteJobRequest["type"]> {
  const { source, type } = job;
  const provisioner = options.provisioners.get(job.provisioner);
  if (!provisioner) throw new JobFailed(`This provisioner cannot run "${job.provisioner}" templates.`);
  if (!source || !type.case)
    throw new JobFailed("The job has no template. Upgrade coderd and provisionerd to the same version.");

  updates.stage("Setting up");
  const build = buildOf(type);
  await using session = await phase("setup", () =>
    provisioner.open({
      jobId: job.id,
      source: { ...source, read: () => options.files.read(source, stop.graceful) },
      state: build?.state ?? new Uint8Array(),
      prepared: build?.prepared ?? (type.case === "templateDryRun" ? type.value.prepared : undefined),
      debug: build?.logLevel === "debug",
      report: updates,
      stop,
      archives: createArchiveTransfer({
        client: options.client,
        jobId: job.id,
        daemonId: options.daemonId,
        signal: stop.graceful,
        clock: options.clock,
      }),
    }),
  );
  const context: JobContext = {
    job,
    daemonId: options.daemonId,
    client: options.client,
    clock: options.clock,
    session,
    journal: options.journal,
    updates,
    mask,
    stop,
    phase,
  };
  switch (type.case) {
    case "workspaceBuild":
      return { case: type.case, value: await runBuild(type.value, context) };
    case "templateImport":
      return { case: type.case, value: await runImport(type.value, context) };
    case "templateDryRun":
      return { case: type.case, value: await runDryRun(type.value, context) };
    case "workspacePlan":
      return { case: type.case, value: await runWorkspacePlan(type.value, context) };
  }
}
