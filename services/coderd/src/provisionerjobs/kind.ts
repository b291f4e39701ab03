import type { Transaction } from "../database/transaction.js";
import type { JobBase } from "./store.js";

/** What a kind of job implements. Each call takes a whole batch of jobs, so that a burst needs few statements. */
export type JobKind<Work, Result, Partial = Result> = {
  /** Returns everything a daemon needs to run the claimed jobs, and writes what must exist before they run. */
  describe(jobs: readonly JobBase[], now: Date): Promise<Map<string, Work>>;
  /**
   * Computes from the result what is stored with it. Called before the transaction, for what takes longer than a
   * transaction should.
   */
  prepare?(jobId: string, result: Result): Promise<Result>;
  /** Returns false if the result needs no storage beyond the job's end. Defaults to true. */
  storesOf?(result: Result): boolean;
  /** Stores the jobs' results in the transaction that ends them. Returns the channels to publish to. */
  complete(
    tx: Transaction,
    results: readonly { jobId: string; result: Result }[],
    now: Date,
  ): Promise<string[]>;
  /** Stores partial results of failed jobs. */
  fail(
    tx: Transaction,
    results: readonly { jobId: string; result: Partial | undefined }[],
    now: Date,
  ): Promise<string[]>;
  /** Stores what is worth keeping of a result whose job has already ended otherwise. */
  late?(
    tx: Transaction,
    result: { jobId: string; daemonId: string; result: Result | Partial | undefined },
    now: Date,
  ): Promise<void>;
};
