/**
 * Source of pending job IDs. Inside the deployment's network it is Redis; an external daemon, which can reach neither
 * Redis nor Postgres, asks coderd.
 */
export type JobSource = {
  /** Sets the complete list of queues to take from. If empty, nothing is taken. */
  watch(queues: readonly string[]): void;
  /** Waits for the ID of a pending job. Undefined if the signal aborts. */
  take(signal: AbortSignal): Promise<TakenJob | undefined>;
  /** Why no jobs can be taken, as a sentence; undefined if there is no problem. */
  readonly trouble: string | undefined;
  close(): Promise<void>;
};

/** An ID that no other daemon is offered until `done` or `putBack` is called, or this process dies. */
export type TakenJob = {
  readonly id: string;
  /** The job was claimed or is gone: removes the ID from the queue. */
  done(): Promise<void>;
  /** The job could not be claimed: the queue offers the ID again after a delay. */
  putBack(): Promise<void>;
};
