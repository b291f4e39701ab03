import { type Clock, createBatcher, FleetError } from "@fleet/base";
import type { Transaction } from "../database/transaction.js";
import { jobChannel, jobLogsChannel } from "../pubsub/channels.js";
import type { Pubsub } from "../pubsub/pubsub.js";
import { JobLost } from "./errors.js";
import type { JobKind } from "./kind.js";
import type { PendingJob } from "./queue.js";
import type { Claim, ClaimedJob, EndedJob, JobEnd, JobStore, JobType } from "./store.js";
import type { JobUpdate, NewJobTiming, StoredUpdate } from "./updates.js";

/** Job kinds by type, each with its own work and result types. */
export type JobKinds<K extends JobKindMap = JobKindMap> = K;
// biome-ignore lint/suspicious/noExplicitAny: each kind pairs its own types; the map only carries them.
type JobKindMap = Record<JobType, JobKind<any, any, any>>;

type WorkOf<K extends JobKindMap, T extends JobType> =
  K[T] extends JobKind<infer W, infer _R, infer _P> ? W : never;
type ResultOf<K extends JobKindMap, T extends JobType> =
  K[T] extends JobKind<infer _W, infer R, infer _P> ? R : never;
type PartialOf<K extends JobKindMap, T extends JobType> =
  K[T] extends JobKind<infer _W, infer _R, infer P> ? P : never;

/** A claimed job with the data needed to run it. */
export type Assigned<K extends JobKindMap> = {
  [T in JobType]: { job: ClaimedJob; type: T; work: WorkOf<K, T> };
}[JobType];

/** A job's result, as its daemon reports it. */
export type Completion<K extends JobKindMap> = {
  jobId: string;
  daemonId: string;
  updates: JobUpdate[];
  timings: NewJobTiming[];
} & { [T in JobType]: { type: T; result: ResultOf<K, T> } }[JobType];

export type Failure<K extends JobKindMap> = {
  jobId: string;
  daemonId: string;
  updates: JobUpdate[];
  timings: NewJobTiming[];
  /** Error message shown to the user. */
  error: string;
  /** The daemon shuts down before the job has changed anything: it is queued again. */
  shutDown?: boolean;
  errorCode: string;
  /** Partial result; undefined if nothing was changed. */
  result: PartialOf<K, JobType> | undefined;
};

/** Jobs per statement: their states and graphs are held in memory together. */
const BATCH = { limit: 32, parallel: 2 };
const UPDATE_BATCH = { limit: 64, parallel: 2 };

/**
 * The daemon-facing side of jobs. Concurrent calls are batched into shared statements, so that the cost per job falls
 * as the load grows.
 */
export type Assignments<K extends JobKindMap = JobKindMap> = {
  /** The job, if this daemon may run it and is the first to claim it. */
  claim(claim: Claim): Promise<Assigned<K> | undefined>;
  /** Stores a daemon's update. Idempotent. */
  update(update: JobUpdate): Promise<StoredUpdate>;
  /** Completes the job with its result. @throws JobLost if the daemon does not have the job. */
  complete(completion: Completion<K>): Promise<void>;
  /** Fails the job with an error, or queues it again. @throws JobLost if the daemon does not have the job. */
  fail(failure: Failure<K>): Promise<void>;
  /** True while the daemon is running the job. */
  holds(jobId: string, daemonId: string): Promise<boolean>;
};

export type AssignmentsOptions<K extends JobKindMap> = {
  store: JobStore;
  kinds: K;
  pubsub: Pubsub;
  clock: Clock;
  /** Called with the jobs that have ended, after that is stored. */
  onEnd?(jobs: readonly EndedJob[]): void;
  /** Called with a job that waits for a daemon again; without it, the reconciler finds it. */
  onReleased?(job: PendingJob): void;
};

export function createAssignments<K extends JobKindMap>({
  store,
  kinds,
  pubsub,
  clock,
  onEnd,
  onReleased,
}: AssignmentsOptions<K>): Assignments<K> {
  type End = { end: JobEnd; updates: JobUpdate[]; result: unknown };

  const claim = createBatcher<Claim, Assigned<K> | undefined>(async (claims) => {
    const now = clock.now();
    const won = await store.claim(claims, now);
    const assigned = await describe(won).catch(async (error) => {
      // The jobs were not handed out: return them to pending, so that the next claim gets them.
      await store.unclaim(won, now);
      throw error;
    });
    for (const { id } of won) pubsub.publish(jobChannel(id), {});
    return claims.map(({ jobId, daemonId }) => {
      const mine = assigned.get(jobId);
      if (mine?.job.daemonId !== daemonId) return undefined;
      // If one daemon claims the same job twice concurrently, only one of the calls gets it.
      assigned.delete(jobId);
      return mine;
    });
  }, BATCH);

  async function describe(jobs: readonly ClaimedJob[]): Promise<Map<string, Assigned<K>>> {
    const assigned = new Map<string, Assigned<K>>();
    for (const [type, group] of Map.groupBy(jobs, (job) => job.type)) {
      const works = await kinds[type].describe(group, clock.now());
      for (const job of group) {
        if (works.has(job.id)) assigned.set(job.id, { job, type, work: works.get(job.id) } as Assigned<K>);
      }
    }
    return assigned;
  }

  const update = createBatcher<JobUpdate, StoredUpdate>(async (updates) => {
    const stored = await store.storeUpdates(store.database, updates, clock.now());
    for (const [i, { jobId, logs }] of updates.entries()) {
      if (logs.length > 0 && !stored[i]!.lost) pubsub.publish(jobLogsChannel(jobId), {});
    }
    return stored;
  }, UPDATE_BATCH);

  /** Ends jobs together with storing their results. True if this call ended the job. */
  const finish = createBatcher<End, boolean>(
    (ends) =>
      endAll(ends, (now) =>
        store.transaction(async (tx) => {
          const ended = await store.end(tx, ...rowsOf(ends), now);
          return { ended, channels: await storeResults(tx, ends, ended, now) };
        }),
      ),
    BATCH,
  );

  /** Ends jobs that have nothing to store, in one statement without a transaction. */
  const finishBare = createBatcher<End, boolean>(
    (ends) =>
      endAll(ends, async (now) => ({
        ended: await store.end(undefined, ...rowsOf(ends), now),
        channels: [],
      })),
    BATCH,
  );

  async function endAll(
    ends: readonly End[],
    write: (now: Date) => Promise<{ ended: EndedJob[]; channels: string[] }>,
  ): Promise<boolean[]> {
    const { ended, channels } = await write(clock.now());
    for (const { id } of ended) channels.push(jobChannel(id), jobLogsChannel(id));
    for (const channel of channels) pubsub.publish(channel, {});
    if (ended.length > 0) onEnd?.(ended);
    const ids = new Set(ended.map(({ id }) => id));
    return ends.map(({ end }) => ids.has(end.jobId));
  }

  /** Returns the channels to publish to. */
  async function storeResults(
    tx: Transaction,
    ends: readonly End[],
    ended: readonly EndedJob[],
    now: Date,
  ): Promise<string[]> {
    const jobs = new Map(ended.map((job) => [job.id, job]));
    const mine = ends.flatMap(({ end, result }) => {
      const job = jobs.get(end.jobId);
      return job ? [{ jobId: job.id, result, job }] : [];
    });
    const channels: string[] = [];
    for (const [type, group] of Map.groupBy(mine, ({ job }) => job.type)) {
      const good = group.filter(({ job }) => !job.failed);
      const bad = group.filter(({ job }) => job.failed);
      if (good.length > 0) channels.push(...(await kinds[type].complete(tx, good, now)));
      if (bad.length > 0) channels.push(...(await kinds[type].fail(tx, bad, now)));
    }
    return channels;
  }

  /**
   * Ending a job again that has ended is not an error if this daemon had it: the first end counts. A result that arrives
   * after the job was given up may still contain what must not be lost.
   */
  async function endedBefore({ end: { jobId, daemonId }, result }: End): Promise<void> {
    const job = await store.worker(jobId);
    if (job?.workerId !== daemonId) throw new JobLost(jobId);
    if (job.completedAt === null) {
      throw new FleetError("invalid_argument", "The result does not match the job's type.");
    }
    const { late } = kinds[job.type];
    if (late) await store.transaction((tx) => late(tx, { jobId, daemonId, result }, clock.now()));
  }

  /** True if the job waits for a daemon again. */
  async function release(failure: Failure<K>): Promise<boolean> {
    const { jobId } = failure;
    const now = clock.now();
    const job = await store.transaction(async (tx) => {
      const updates = allUpdates(failure);
      if (updates.length > 0) await store.storeUpdates(tx, updates, now);
      return store.release(tx, failure, now);
    });
    if (!job) return false;
    pubsub.publish(jobChannel(jobId), {});
    pubsub.publish(jobLogsChannel(jobId), {});
    onReleased?.(job);
    return true;
  }

  return {
    claim,
    update,

    async complete(completion) {
      const { jobId, daemonId, type } = completion;
      const end = { jobId, daemonId, type, error: null, errorCode: null };
      const { prepare } = kinds[type];
      const result = prepare ? await prepare(jobId, completion.result) : completion.result;
      const bare = kinds[type].storesOf?.(result) === false;
      const ending = { end, updates: allUpdates(completion), result };
      if (!(await (bare ? finishBare : finish)(ending))) await endedBefore(ending);
    },

    async fail(failure) {
      const { jobId, daemonId, result } = failure;
      if (failure.shutDown && (await release(failure))) return;
      const end = {
        jobId,
        daemonId,
        type: undefined,
        error: failure.error || "The job failed.",
        errorCode: failure.errorCode || null,
      };
      const ending = { end, updates: allUpdates(failure), result };
      if (!(await finish(ending))) await endedBefore(ending);
    },

    async holds(jobId, daemonId) {
      const job = await store.worker(jobId);
      return job?.workerId === daemonId && job.completedAt === null;
    },
  };
}

function rowsOf(ends: readonly { end: JobEnd; updates: JobUpdate[] }[]): [JobEnd[], JobUpdate[]] {
  return [ends.map(({ end }) => end), ends.flatMap(({ updates }) => updates)];
}

/** The timings reported with a job's end, as an update without a sequence number, which is always stored. */
function allUpdates(end: {
  jobId: string;
  daemonId: string;
  updates: JobUpdate[];
  timings: NewJobTiming[];
}): JobUpdate[] {
  const { jobId, daemonId, updates, timings } = end;
  return timings.length === 0 ? updates : [...updates, { jobId, daemonId, sequence: 0n, logs: [], timings }];
}
