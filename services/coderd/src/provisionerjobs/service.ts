import { randomUUID } from "node:crypto";
import type { Clock } from "@fleet/base";
import type { Transaction } from "../database/transaction.js";
import { jobChannel, jobLogsChannel, PENDING_JOBS_CHANNEL, QUEUES_CHANNEL } from "../pubsub/channels.js";
import type { Pubsub } from "../pubsub/pubsub.js";
import { IdempotencyKeyReused, JobNotCancelable, JobNotFound, JobNotRetriable } from "./errors.js";
import { followLog } from "./follow.js";
import type { Idempotency } from "./idempotency.js";
import type { JobQueue, PendingJob } from "./queue.js";
import { statusOf } from "./status.js";
import type { JobLog, JobStore, JobTiming, JobType, KeyedJob } from "./store.js";
import { queueNameOf, type Tags } from "./tags.js";
import type { JobFilter, JobView, JobViews } from "./view-store.js";

/** Jobs, for their creators and watchers. Callers are already authorized by the resource that owns the job. */
export type ProvisionerJobs = {
  /**
   * Runs `make`, which enqueues one job with this key; if such a job already exists, calls `again` with it instead.
   * With concurrent requests the unique key lets one insert succeed; the others return its job.
   */
  once<T>(
    idempotency: Idempotency | undefined,
    again: (job: KeyedJob) => Promise<T>,
    make: () => Promise<T>,
  ): Promise<T>;
  /** Inserts the job. With a transaction, call `announce` only after it has committed. */
  enqueue(job: EnqueueJob, tx?: Transaction): Promise<PendingJob>;
  /** Offers a committed job to the daemons. If this process dies first, the reconciler does it. */
  announce(job: PendingJob): void;
  /** Cancels a job: a pending one ends immediately, a running one when its daemon has handled the cancel. */
  cancel(id: string, expected?: "pending" | "running"): Promise<{ ended: boolean; type: JobType }>;
  /** @throws JobNotFound. */
  view(id: string): Promise<JobView>;
  /** Jobs by id; ids that do not exist are omitted. */
  views(ids: readonly string[]): Promise<Map<string, JobView>>;
  /** Newest first. */
  list(filter: JobFilter): Promise<JobView[]>;
  /** The first lines between the ids `after` and `before`, both exclusive. */
  logs(id: string, range: { after?: number | undefined; before?: number | undefined }): Promise<JobLog[]>;
  /** Every line after `after`, until the job has ended. */
  followLogs(id: string, after: number | undefined, signal: AbortSignal): AsyncGenerator<JobLog>;
  /** The job's timings, ordered by start. */
  timings(id: string): Promise<JobTiming[]>;
  /** The job's input; undefined if the job does not exist. */
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
  /** W3C trace context of the request; the job's spans join it. */
  traceContext?: Record<string, string>;
  /** Set if the request carries an Idempotency-Key. */
  idempotency?: Idempotency | undefined;
};

export type ProvisionerJobsOptions = {
  store: JobStore;
  views: JobViews;
  queue: JobQueue;
  pubsub: Pubsub;
  clock: Clock;
};

/** How long before a queue is announced again; daemons that register in between fetch the queues themselves. */
const ANNOUNCE_AGAIN_MS = 5_000;
/** Maximum number of announced queue names remembered; forgetting one costs a message. */
const KNOWN_QUEUES = 10_000;
/** Lines of a log returned by one read. */
const LOG_LIMIT = 50_000;

export function createProvisionerJobs({
  store,
  views,
  queue,
  pubsub,
  clock,
}: ProvisionerJobsOptions): ProvisionerJobs {
  const announcedAt = new Map<string, number>();

  /** Announces a queue to daemons' sessions that may not know it. */
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
    pubsub.publish(PENDING_JOBS_CHANNEL, {});
  }

  /**
   * The job created by an earlier request with this key. Offered again, because that request may have died before it
   * did.
   */
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
      if (canceled.pending) queue.discard(job);
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
