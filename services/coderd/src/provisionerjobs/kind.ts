import type { Transaction } from "../database/transaction.js";
import type { JobBase } from "./store.js";

/**
 * What the owner of a kind of job does for it. Each call takes all jobs of a batch, so that a burst costs few
 * statements.
 */
export type JobKind<Work, Result, Partial = Result> = {
  /** All that a daemon needs to run the jobs, which have been claimed; what has to be there before it runs is written. */
  describe(jobs: readonly JobBase[], now: Date): Promise<Map<string, Work>>;
  /** False for a result that leaves nothing to store: the job's end is all there is to write. True where it is left out. */
  storesOf?(result: Result): boolean;
  /** Stores what the jobs came to, in the transaction that ends them. Gives the channels to tell of it. */
  complete(
    tx: Transaction,
    results: readonly { jobId: string; result: Result }[],
    now: Date,
  ): Promise<string[]>;
  /** Stores what failed jobs left behind. */
  fail(
    tx: Transaction,
    results: readonly { jobId: string; result: Partial | undefined }[],
    now: Date,
  ): Promise<string[]>;
};
