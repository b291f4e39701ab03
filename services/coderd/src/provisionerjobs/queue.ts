import { createBatcher, errorMessage, type Logger } from "@fleet/base";
import { Queue } from "bullmq";
import type { Redis } from "ioredis";
import type { UnitOfWork } from "../database/unit-of-work.js";
import { duplicateRedis } from "../redis.js";

/** The fields of a pending job that the queue needs. */
export type PendingJob = { id: string; attempt: number; queue: string; priority: number };

/** The contents of a queue: ids waiting to be taken, and ids that a daemon has taken but not claimed. */
export type HeldJobs = { waiting: Set<string>; taken: Set<string> };

/** The producer side of the BullMQ queues. They hold only ids of pending jobs and may be lost at any time. */
export type JobQueue = {
  /**
   * Adds the job asynchronously, batched with others, after the current unit of work commits; failures are left to the
   * reconciler. Adding twice is harmless.
   */
  add(job: PendingJob): void;
  /** Adds the jobs and waits until they are added. */
  addAll(jobs: readonly PendingJob[]): Promise<void>;
  /**
   * Removes the id of a job that is no longer pending and that no daemon took from the queue, asynchronously. If Redis
   * is unavailable, the next daemon that takes the id removes it.
   */
  discard(job: Omit<PendingJob, "priority">): void;
  held(queue: string): Promise<HeldJobs>;
  /** Releases an id whose daemon took it and died. Returns false while the daemon's lock is held. */
  release(job: PendingJob): Promise<boolean>;
  /** Calls the listener each time Redis becomes available again. */
  onReady(listener: () => void): void;
  close(): Promise<void>;
};

/** Jobs per Redis pipeline. */
const ADD_BATCH = 500;
/** Maximum jobs waiting to be added; the reconciler adds the rest. */
const ADD_BACKLOG = 20_000;
/** Maximum open queue handles. */
const OPEN_QUEUES = 1_000;

export type JobQueueOptions = {
  redis: Redis;
  prefix: string;
  logger: Logger;
  /** From the unit of work; without it, jobs are added immediately. */
  afterCommit?: UnitOfWork["afterCommit"];
};

export function createJobQueue({
  redis,
  prefix,
  logger,
  afterCommit = (effect) => effect(),
}: JobQueueOptions): JobQueue {
  // Without Redis a producer must fail fast, so that no caller waits and nothing piles up.
  const connection = duplicateRedis(redis, { maxRetriesPerRequest: null });
  const queues = new Map<string, Queue>();
  const listeners = new Set<() => void>();
  let backlog = 0;
  let closed = false;
  connection.on("error", (error) => logger.debug("queue connection", { error: errorMessage(error) }));
  connection.on("ready", () => {
    for (const listener of listeners) listener();
  });

  function queueOf(name: string): Queue {
    const known = queues.get(name);
    if (known) return known;
    if (queues.size >= OPEN_QUEUES) {
      const [oldest] = queues.keys();
      void queues
        .get(oldest!)
        ?.close()
        .catch(() => {});
      queues.delete(oldest!);
    }
    const queue = new Queue(name, {
      connection,
      prefix: `${prefix}:bull`,
      skipWaitingForReady: true,
      skipMetasUpdate: true,
      streams: { events: { maxLen: 100 } },
      defaultJobOptions: { removeOnComplete: true, removeOnFail: true },
    });
    queue.on("error", (error) => logger.debug("job queue", { queue: name, error: errorMessage(error) }));
    queues.set(name, queue);
    return queue;
  }

  async function addAll(jobs: readonly PendingJob[]): Promise<void> {
    for (const [name, group] of Map.groupBy(jobs, (job) => job.queue)) {
      for (let start = 0; start < group.length; start += ADD_BATCH) {
        await queueOf(name).addBulk(
          group.slice(start, start + ADD_BATCH).map((job) => ({
            name: "job",
            data: { id: job.id },
            opts: { jobId: queueJobId(job), priority: job.priority },
          })),
        );
      }
      await connection.publish(`${prefix}:jobs:wake`, name);
    }
  }

  const addSoon = createBatcher<PendingJob, void>(
    async (jobs) => {
      await addAll(jobs);
      return jobs.map(() => undefined);
    },
    { limit: ADD_BATCH },
  );

  function add(job: PendingJob): void {
    if (closed || backlog >= ADD_BACKLOG || connection.status !== "ready") return;
    backlog += 1;
    addSoon(job)
      .catch((error) => {
        if (!closed)
          logger.warn("Could not queue a job; it will be queued again.", {
            jobId: job.id,
            error: errorMessage(error),
          });
      })
      .finally(() => {
        backlog -= 1;
      });
  }

  function discard(job: Omit<PendingJob, "priority">): void {
    if (closed || connection.status !== "ready") return;
    queueOf(job.queue)
      .remove(queueJobId(job))
      .catch((error) =>
        logger.debug("could not remove a job from its queue", { jobId: job.id, error: errorMessage(error) }),
      );
  }

  return {
    add: (job) => afterCommit(() => add(job)),
    addAll,
    discard: (job) => afterCommit(() => discard(job)),
    async held(queue) {
      const key = (name: string) => `${prefix}:bull:${queue}:${name}`;
      const [waiting, prioritized, delayed, taken] = await Promise.all([
        connection.lrange(key("wait"), 0, -1),
        connection.zrange(key("prioritized"), "0", "-1"),
        connection.zrange(key("delayed"), "0", "-1"),
        connection.lrange(key("active"), 0, -1),
      ]);
      return { waiting: new Set([...waiting, ...prioritized, ...delayed]), taken: new Set(taken) };
    },
    async release(job) {
      return (await queueOf(job.queue).remove(queueJobId(job))) === 1;
    },
    onReady(listener) {
      listeners.add(listener);
      if (connection.status === "ready") listener();
    },
    async close() {
      closed = true;
      await Promise.allSettled([...queues.values()].map((queue) => queue.close()));
      connection.disconnect();
    },
  };
}

/** Each attempt has its own entry, so that a retry is not dropped as a duplicate. */
export function queueJobId(job: Pick<PendingJob, "id" | "attempt">): string {
  return `${job.id}.${job.attempt}`;
}
