import type { MessageInitShape } from "@bufbuild/protobuf";
import { type Clock, type FleetError, isFleetError } from "@fleet/base";
import type { CompleteJobRequest, FailJobRequestSchema, Job } from "@fleet/proto-gen/provisioner";
import type { CoderdClient } from "../coderd-client.js";
import type { JobCalls } from "../job-calls.js";
import { untilAnswered } from "../patience.js";
import { JobFailed } from "./failure.js";
import type { Mask } from "./mask.js";
import type { JobStop } from "./stop.js";
import type { JobUpdates } from "./updates.js";

export type JobOutcome = "success" | "failed" | "canceled" | "lost";

/** A job's result, before coderd has it. */
export type JobEnd = { type: CompleteJobRequest["type"] } | { error: FleetError };

export type ReportOptions = {
  job: Job;
  updates: JobUpdates;
  mask: Pick<Mask, "apply">;
  stop: JobStop;
  client: Pick<CoderdClient, "failJob">;
  calls: Pick<JobCalls, "complete">;
  daemonId: string;
  clock: Clock;
};

/**
 * Sends the job's result, with updates that were not acknowledged. If coderd rejects a successful result, it is sent as
 * a failure, so that the state is not lost. Rejects if coderd accepts neither.
 */
export async function report(end: JobEnd, options: ReportOptions): Promise<JobOutcome> {
  const { job, stop, client, daemonId, clock } = options;
  if (stop.reason === "lost") {
    await deliverState(end, options);
    return "lost";
  }
  const common = { jobId: job.id, daemonId, updates: await options.updates.finish() };
  try {
    if ("error" in end) {
      const failure = { ...common, ...failureOf(end.error, stop) };
      failure.error = options.mask.apply(failure.error ?? "");
      await untilAnswered((signal) => client.failJob(failure, { signal }), { clock });
      return stop.reason === undefined ? "failed" : "canceled";
    }
    const refusal = await untilAnswered(
      (signal) => options.calls.complete({ ...common, type: end.type }, signal),
      { clock },
    ).then(() => undefined, refusalOf);
    if (refusal === undefined) return "success";
    const state = stateOf(end);
    await untilAnswered((signal) => client.failJob({ ...common, error: refusal, state }, { signal }), {
      clock,
    });
    return "failed";
  } catch (error) {
    if (isLost(error)) return "lost";
    throw error;
  }
}

/** How long to try to deliver the state of a lost build. */
const LAST_MS = 30_000;

/**
 * Delivers the state of a build that coderd has given up, because nothing else knows what terraform created last. coderd
 * keeps it if it is newer.
 */
async function deliverState(end: JobEnd, { job, client, daemonId, clock }: ReportOptions): Promise<void> {
  const state = stateOf(end);
  if (!state || state.length === 0) return;
  const failure = { jobId: job.id, daemonId, error: "The provisioner lost the job.", state };
  await untilAnswered((signal) => client.failJob(failure, { signal }), { clock, limitMs: LAST_MS }).catch(
    () => {},
  );
}

function stateOf(end: JobEnd): Uint8Array | undefined {
  if ("error" in end) return end.error instanceof JobFailed ? end.error.state : undefined;
  return end.type.case === "workspaceBuild" ? end.type.value.state : undefined;
}

/** True if coderd reports that the job has ended otherwise or belongs to another daemon. */
function isLost(error: unknown): boolean {
  return isFleetError(error, "failed_precondition", "not_found");
}

/** The error message for a result that coderd rejects, with or without a reason. */
function refusalOf(error: unknown): string {
  if (isLost(error)) throw error;
  if (isFleetError(error, "invalid_argument", "too_large")) return error.message;
  return "The server could not store the job's result. See the server log for the reason.";
}

function failureOf(error: FleetError, stop: JobStop): MessageInitShape<typeof FailJobRequestSchema> {
  const { reason } = stop;
  const told = {
    error: sentence(error, stop),
    canceled: reason !== undefined,
    shutDown: reason === "shutdown" && !stop.changes,
  };
  if (!(error instanceof JobFailed)) return told;
  const { errorCode, state, resources } = error;
  return { ...told, errorCode, state, resources };
}

function sentence(error: FleetError, stop: JobStop): string {
  switch (stop.reason) {
    case "canceled":
      return "The job was canceled.";
    case "shutdown":
      return "The provisioner shut down before the job completed. Run the job again.";
    case "silent":
      return "The provisioner lost its connection to coderd and stopped the job. Run the job again.";
    default:
      return error.message;
  }
}
