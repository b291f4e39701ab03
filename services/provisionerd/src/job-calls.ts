import type { MessageInitShape } from "@bufbuild/protobuf";
import { abortable, createBatcher } from "@fleet/base";
import type { CompleteJobRequestSchema, Job } from "@fleet/proto-gen/provisioner";
import type { CoderdClient } from "./coderd-client.js";

/** Maximum number of jobs per call, and of concurrent calls. */
const BATCH = { limit: 16, parallel: 2 };
/** A claim without an answer after this long may be retried. Well below a queue's lock on an ID. */
const CLAIM_TIMEOUT_MS = 10_000;

type Completion = MessageInitShape<typeof CompleteJobRequestSchema>;

/**
 * The calls that every job makes. Calls that slots make at the same time, or while others are in flight, are batched;
 * each gets its own answer.
 */
export type JobCalls = {
  /** Undefined if the job cannot be claimed. */
  acquire(jobId: string, signal: AbortSignal): Promise<Job | undefined>;
  complete(end: Completion, signal: AbortSignal): Promise<void>;
};

export function createJobCalls(
  client: Pick<CoderdClient, "acquireJobs" | "completeJob" | "completeJobs">,
  daemonId: string,
): JobCalls {
  const acquire = createBatcher<string, Job | undefined>(async (jobIds) => {
    const { jobs } = await client.acquireJobs(
      { jobIds, daemonId, asksBeforeApply: true },
      { timeoutMs: CLAIM_TIMEOUT_MS },
    );
    const byId = new Map(jobs.map((job) => [job.id, job]));
    return jobIds.map((id) => byId.get(id));
  }, BATCH);
  const complete = createBatcher<Completion, void>(async (jobs) => {
    if (jobs.length > 1) await client.completeJobs({ jobs });
    else await client.completeJob(jobs[0]!);
    return jobs.map(() => undefined);
  }, BATCH);
  return {
    acquire: (jobId, signal) => abortable(acquire(jobId), signal),
    complete: (end, signal) => abortable(complete(end), signal),
  };
}
