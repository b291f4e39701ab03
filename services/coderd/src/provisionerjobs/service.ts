import { randomUUID } from "node:crypto";
import type { Clock } from "@fleet/base";
import type { Transaction } from "../database/transaction.js";
import { jobChannel, jobLogsChannel, QUEUES_CHANNEL } from "../pubsub/channels.js";
import type { Pubsub } from "../pubsub/pubsub.js";
import { IdempotencyKeyReused, JobNotCancelable, JobNotFound, JobNotRetriable } from "./errors.js";
import { followLog } from "./follow.js";
import type { Idempotency } from "./idempotency.js";
import type { JobQueue, PendingJob } from "./queue.js";
import { statusOf } from "./status.js";
import type { JobLog, JobStore, JobTiming, JobType, KeyedJob } from "./store.js";
import { queueNameOf, type Tags } from "./tags.js";
import type { JobFilter, JobView, JobViews } from "./view-store.js";

/** Jobs as those see them that make and watch them. Whoever asks has been let through by the noun that owns the job. */
export type ProvisionerJobs = {
  /**
   * Runs `make`, which enqueues one job with this key; where one was made already, `again` tells of it instead. Repeats
   * that run side by side refuse each other's rows: the loser then finds what the winner made.
   */
  once<T>(
    idempotency: Idempotency | undefined,
    again: (job: KeyedJob) => Promise<T>,
    make: () => Promise<T>,
  ): Promise<T>;
  /** Writes the job's row. Where a transaction is given, `announce` may be called only when it has committed. */
  enqueue(job: EnqueueJob, tx?: Transaction): Promise<PendingJob>;
  /** Offers a committed job to the daemons. If this process dies before, the reconciler does it. */
  announce(job: PendingJob): void;
  /** Calls a job off: one that waits ends at once, one that runs when its daemon has heard of it. */
  cancel(id: string, expected?: "pending" | "running"): Promise<{ ended: boolean; type: JobType }>;
  /** @throws JobNotFound. */
  view(id: string): Promise<JobView>;
  /** By their ids; those that there are not are left out. */
  views(ids: readonly string[]): Promise<Map<string, JobView>>;
  /** Latest first. */
  list(filter: JobFilter): Promise<JobView[]>;
  /** The first lines of the range; `after` and `before` are ids of lines, and not among them. */
  logs(id: string, range: { after?: number | undefined; before?: number | undefined }): Promise<JobLog[]>;
  /** Every line from `after` on, until the job has ended. */
  followLogs(id: string, after: number | undefined, signal: AbortSignal): AsyncGenerator<JobLog>;
  /** What the job spent its time on, in the order of the starts. */
  timings(id: string): Promise<JobTiming[]>;
  /** What the job was made with; undefined where there is none. */
  input(id: string): Promise<Record<string, unknown> | undefined>;
};

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
  /** Of the request that asks for it, where it carries a key. */
  idempotency?: Idempotency | undefined;
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

export function createProvisionerJobs({
  store,
  views,
  queue,
  pubsub,
  clock,
}: ProvisionerJobsOptions): ProvisionerJobs {
  const announcedAt = new Map<string, number>();

  /** Tells daemons' sessions of a queue that they may not know. */
  function announceQueue(name: string): void {
    const now = clock.now().getTime();
    if (now - (announcedAt.get(name) ?? Number.NEGATIVE_INFINITY) < ANNOUNCE_AGAIN_MS) return;
    if (announcedAt.size >= KNOWN_QUEUES) announcedAt.clear();
    announcedAt.set(name, now);
    pubsub.publish(QUEUES_CHANNEL, { queue: name });
  }

  function announce(job: PendingJob): void {
    announceQueue(job.queue);
    queue.add(job);
  }

  /** The job that an earlier request with the key made; it is offered again, for that request may have died before it could. */
  async function madeBefore(idempotency: Idempotency): Promise<KeyedJob | undefined> {
    const job = await store.findByKey(idempotency.key);
    if (!job) return undefined;
    if (Buffer.compare(job.requestHash, idempotency.request) !== 0) throw new IdempotencyKeyReused();
    if (job.pending) announce(job);
    return job;
  }

  return {
    async once<T>(
      idempotency: Idempotency | undefined,
      again: (job: KeyedJob) => Promise<T>,
      make: () => Promise<T>,
    ): Promise<T> {
      if (!idempotency) return make();
      const before = await madeBefore(idempotency);
      if (before) return again(before);
      try {
        return await make();
      } catch (error) {
        const other = await madeBefore(idempotency).catch((failure: unknown) => {
          throw failure instanceof IdempotencyKeyReused ? failure : error;
        });
        if (other) return again(other);
        throw error;
      }
    },

    async enqueue(job, tx) {
      const id = randomUUID();
      const queueName = queueNameOf(job);
      const createdAt = clock.now();
      await store.insert(
        { ...job, id, queue: queueName, traceContext: job.traceContext ?? {}, createdAt },
        tx,
      );
      return { id, attempt: 0, queue: queueName, priority: job.priority };
    },

    announce,

    async cancel(id, expected) {
      const job = await store.find(id);
      if (!job) throw new JobNotFound(id);
      const status = statusOf(job);
      if (expected && status !== expected) throw new JobNotRetriable();
      const canceled =
        status === "pending" || status === "running"
          ? await store.cancel(id, clock.now(), expected)
          : undefined;
      if (!canceled) throw expected ? new JobNotRetriable() : new JobNotCancelable(id, status);
      pubsub.publish(jobChannel(id), {});
      pubsub.publish(jobLogsChannel(id), {});
      return { ended: canceled.pending, type: canceled.type };
    },

    async view(id) {
      const view = (await views.byIds([id], clock.now())).get(id);
      if (!view) throw new JobNotFound(id);
      return view;
    },

    views: (ids) => views.byIds(ids, clock.now()),
    list: (filter) => views.list(filter, clock.now()),

    async logs(id, range) {
      return store.logs(id, range, LOG_LIMIT);
    },

    followLogs: (id, after, signal) => followLog({ store, pubsub, clock }, id, after ?? 0, signal),

    timings: (id) => store.timings(id),
    input: async (id) => (await store.find(id))?.input as Record<string, unknown> | undefined,
  };
}
