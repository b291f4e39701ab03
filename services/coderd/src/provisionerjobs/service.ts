import { randomUUID } from "node:crypto";
import type { Clock } from "@fleet/base";
import type { Transaction } from "../database/client.js";
import type { Pubsub } from "../pubsub/pubsub.js";
import { jobChannel, jobLogsChannel, QUEUES_CHANNEL } from "./channels.js";
import { JobNotCancelable, JobNotFound, JobNotRetriable } from "./errors.js";
import { followLog, type JobLog } from "./follow.js";
import type { JobQueue, PendingJob } from "./queue.js";
import { statusOf } from "./status.js";
import type { JobStore, JobType } from "./store.js";
import { queueNameOf, type Tags } from "./tags.js";
import type { JobFilter, JobView, JobViews } from "./view.js";

export type ProvisionerJobs = ReturnType<typeof createProvisionerJobs>;

export type EnqueueJob = {
  organizationId: string;
  initiatorId: string;
  type: JobType;
  provisioner: string;
  fileId: string;
  input: Record<string, unknown>;
  tags: Tags;
  /** One of JOB_PRIORITY. */
  priority: number;
  /** W3C trace context of the request, so that the job's spans join it. */
  traceContext?: Record<string, string>;
};

export type ProvisionerJobsOptions = {
  store: JobStore;
  views: JobViews;
  queue: JobQueue;
  pubsub: Pubsub;
  clock: Clock;
};

/** A queue is announced again after so long; daemons that register in between ask by themselves. */
const ANNOUNCE_AGAIN_MS = 5_000;
/** Queue names whose announcement is remembered; forgetting one costs a message. */
const KNOWN_QUEUES = 10_000;
/** Lines of a log that is read at once. */
const LOG_LIMIT = 50_000;

/** Jobs as those see them that make and watch them. Whoever asks has been let through by the noun that owns the job. */
export function createProvisionerJobs({ store, views, queue, pubsub, clock }: ProvisionerJobsOptions) {
  const announcedAt = new Map<string, number>();

  /** Tells daemons' sessions of a queue that they may not know. */
  function announceQueue(name: string): void {
    const now = clock.now().getTime();
    if (now - (announcedAt.get(name) ?? Number.NEGATIVE_INFINITY) < ANNOUNCE_AGAIN_MS) return;
    if (announcedAt.size >= KNOWN_QUEUES) announcedAt.clear();
    announcedAt.set(name, now);
    pubsub.publish(QUEUES_CHANNEL, { queue: name });
  }

  return {
    /** Writes the job's row. Where a transaction is given, `announce` may be called only when it has committed. */
    async enqueue(job: EnqueueJob, tx?: Transaction): Promise<PendingJob> {
      const id = randomUUID();
      const queueName = queueNameOf(job);
      const createdAt = clock.now();
      await store.insert(
        { ...job, id, queue: queueName, traceContext: job.traceContext ?? {}, createdAt },
        tx,
      );
      return { id, attempt: 0, queue: queueName, priority: job.priority };
    },

    /** Offers a committed job to the daemons. If this process dies before, the reconciler does it. */
    announce(job: PendingJob): void {
      announceQueue(job.queue);
      queue.add(job);
    },

    /** Calls a job off: one that waits ends at once, one that runs when its daemon has heard of it. */
    async cancel(id: string, expected?: "pending" | "running"): Promise<{ ended: boolean; type: JobType }> {
      const job = await store.find(id);
      if (!job) throw new JobNotFound(id);
      const status = statusOf(job);
      if (expected && status !== expected) throw new JobNotRetriable();
      const canceled =
        status === "pending" || status === "running" ? await store.cancel(id, clock.now()) : undefined;
      if (!canceled) throw new JobNotCancelable(id, status);
      pubsub.publish(jobChannel(id), {});
      pubsub.publish(jobLogsChannel(id), {});
      return { ended: canceled.pending, type: canceled.type };
    },

    async view(id: string): Promise<JobView> {
      const view = (await views.byIds([id], clock.now())).get(id);
      if (!view) throw new JobNotFound(id);
      return view;
    },

    views: (ids: readonly string[]) => views.byIds(ids, clock.now()),
    list: (filter: JobFilter) => views.list(filter, clock.now()),

    async logs(
      id: string,
      range: { after?: number | undefined; before?: number | undefined },
    ): Promise<JobLog[]> {
      return store.logs(id, range, LOG_LIMIT);
    },

    /** Every line from `after` on, until the job has ended. */
    followLogs: (id: string, after: number | undefined, signal: AbortSignal) =>
      followLog({ store, pubsub, clock }, id, after ?? 0, signal),

    timings: (id: string) => store.timings(id),
    input: async (id: string) => (await store.find(id))?.input as Record<string, unknown> | undefined,
  };
}
