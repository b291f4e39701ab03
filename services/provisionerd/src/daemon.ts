import { type Clock, errorMessage, isFleetError, type Logger } from "@fleet/base";
import type { Job } from "@fleet/proto-gen/provisioner";
import type { Provisioner } from "@fleet/provisionersdk";
import type { CoderdClient } from "./coderd-client.js";
import { createEvaluations } from "./evaluations.js";
import type { FileCache } from "./files.js";
import type { Instruments } from "./instruments.js";
import { createJobCalls } from "./job-calls.js";
import type { Journal } from "./journal.js";
import { untilAnswered } from "./patience.js";
import { createJobLease, type JobLease } from "./runner/lease.js";
import { runJob } from "./runner/run.js";
import { createJobStop, type JobStop } from "./runner/stop.js";
import { type DaemonSettings, holdSession, type Identity } from "./session.js";
import type { JobSource, TakenJob } from "./source/source.js";
import { createStopwatch } from "./stopwatch.js";
import type { Warning } from "./warnings.js";

export type DaemonOptions = {
  client: CoderdClient;
  source: JobSource;
  provisioners: readonly Provisioner[];
  files: FileCache;
  journal: Journal;
  identity: Omit<Identity, "provisioners" | "evaluationSlots">;
  /** Maximum concurrent evaluations. */
  evaluationSlots: number;
  /** Current problems, reported to coderd. */
  warnings(): Warning[];
  instruments: Instruments;
  /** The reason for an error of the connection to coderd, if more is known than the error says. */
  explain?: ((error: unknown) => unknown) | undefined;
  clock: Clock;
  logger: Logger;
};

export type Daemon = {
  /** True while coderd is reachable and jobs can be taken. */
  readonly ready: boolean;
  /** IDs of the running jobs. */
  running(): string[];
  /** Stops taking jobs; `done` resolves when the running ones have ended. */
  drain(): void;
  /** Drains, and cancels the running jobs. */
  cancel(): void;
  /** Resolves when the daemon has exited; rejects if coderd refuses it. */
  readonly done: Promise<void>;
};

/** A provisioner daemon: takes job IDs from the source, claims the jobs from coderd, and runs one per slot. */
export function createDaemon(options: DaemonOptions): Daemon {
  const { client, source, files, journal, identity, instruments, clock, logger } = options;
  const { daemonId } = identity;
  const provisioners = new Map(options.provisioners.map((provisioner) => [provisioner.name, provisioner]));
  const calls = createJobCalls(client, daemonId);
  const draining = new AbortController();
  const left = new AbortController();
  const jobs = new Map<string, { stop: JobStop; lease: JobLease }>();
  // After the machine wakes up, expired jobs end before anything else is done.
  const stopwatch = createStopwatch(clock, () => {
    for (const { lease } of jobs.values()) lease.check();
  });
  /** IDs that a slot is working on, so that an ID that is offered twice is claimed once. */
  const held = new Set<string>();
  /** Latest settings from coderd. No job is taken before they arrive. */
  let settings: DaemonSettings | undefined;
  let ready = false;

  const evaluations = createEvaluations({
    client,
    provisioners,
    files,
    daemonId,
    slots: options.evaluationSlots,
    closing: left.signal,
    clock,
    logger,
  });

  const session = holdSession(
    {
      client,
      identity: {
        ...identity,
        provisioners: [...provisioners.keys()],
        evaluationSlots: evaluations.slots,
      },
      running: () => [...jobs.keys()],
      warnings: options.warnings,
      explain: options.explain,
      onSettings(told) {
        settings = told;
        ready = !draining.signal.aborted;
        source.watch(ready ? told.queues : []);
      },
      onEvaluate: evaluations.start,
      onCancelEvaluation: evaluations.cancel,
      onBreak() {
        ready = false;
        evaluations.cancelAll();
        source.watch([]);
      },
      clock,
      logger,
    },
    left.signal,
  );

  /**
   * Claims the job. Undefined if another daemon has it, if it is gone, or if coderd is unreachable. If the answer was
   * lost, the job may already be claimed for this daemon: it retries, and coderd repeats the answer. It retries for as
   * long as coderd keeps the job assigned to it: putting the ID back earlier would offer it to daemons that cannot
   * claim the job, and the job would be lost.
   */
  async function acquire(taken: TakenJob): Promise<{ job: Job; askedAtMs: number } | undefined> {
    let askedAtMs = 0;
    const ask = (signal: AbortSignal) => {
      askedAtMs = stopwatch.readMs();
      return calls.acquire(taken.id, signal);
    };
    try {
      const job = await untilAnswered(ask, { clock, limitMs: settings!.jobLostAfterMs });
      void taken.done();
      return job && { job, askedAtMs };
    } catch (error) {
      const hopeless = isFleetError(error, "not_found", "invalid_argument", "failed_precondition");
      logger.warn("Could not claim a job.", { jobId: taken.id, error: errorMessage(error) });
      await (hopeless ? taken.done() : taken.putBack());
      return undefined;
    }
  }

  /** Resolves when the job's work is done, with a promise of its acknowledged result. */
  async function run({ job, askedAtMs }: { job: Job; askedAtMs: number }): Promise<{ ended: Promise<void> }> {
    const stop = createJobStop(clock);
    const { forceCancelIntervalMs, jobLostAfterMs } = settings!;
    const lease = createJobLease({ stopwatch, askedAtMs, lostAfterMs: jobLostAfterMs, stop });
    const startedAt = clock.now().getTime();
    jobs.set(job.id, { stop, lease });
    instruments.jobStarted(job.provisioner);
    const worked = Promise.withResolvers<void>();
    const ended = runJob(job, stop, lease, {
      client,
      calls,
      daemonId,
      provisioners,
      files,
      journal,
      stopwatch,
      forceCancelIntervalMs,
      onWorked: worked.resolve,
      clock,
      logger,
    }).then((outcome) => {
      jobs.delete(job.id);
      held.delete(job.id);
      instruments.jobEnded(job.provisioner, outcome, clock.now().getTime() - startedAt);
    });
    await worked.promise;
    return { ended };
  }

  /**
   * Runs one job at a time. The next job may start while the last result is still being sent; at most one result is
   * pending.
   */
  async function slot(): Promise<void> {
    let last = Promise.resolve();
    for (;;) {
      const taken = await source.take(draining.signal);
      if (!taken) return last;
      if (held.has(taken.id)) {
        await taken.done();
        continue;
      }
      held.add(taken.id);
      const acquired = await acquire(taken);
      if (!acquired) {
        held.delete(taken.id);
        continue;
      }
      const { ended } = await run(acquired);
      await last;
      last = ended;
    }
  }

  function drain(): void {
    ready = false;
    draining.abort();
  }

  const slots = Promise.all(Array.from({ length: identity.slots }, slot)).then(() => left.abort());
  const done = Promise.all([session.finally(drain), slots])
    .finally(() => stopwatch.stop())
    .then(() => {});

  return {
    get ready() {
      return ready;
    },
    running: () => [...jobs.keys()],
    drain,
    cancel() {
      drain();
      for (const { stop } of jobs.values()) stop.request("shutdown", settings!.forceCancelIntervalMs);
    },
    done,
  };
}
