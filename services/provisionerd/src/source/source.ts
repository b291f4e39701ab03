/**
 * Source of pending job IDs. Inside the cluster it is Redis; an external daemon can reach neither Redis nor Postgres,
 * and needs a source through coderd with this same interface.
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
