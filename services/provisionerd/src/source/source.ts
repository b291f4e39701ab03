/**
 * Where a daemon hears of pending jobs. Inside the cluster it is Redis; a daemon outside can reach neither Redis nor
 * Postgres and will hear of them from coderd, behind this same face.
 */
export type JobSource = {
  /** The queues to take from, whole list. An empty one means: take nothing. */
  watch(queues: readonly string[]): void;
  /** Waits for the id of a pending job. Undefined once the signal aborts. */
  take(signal: AbortSignal): Promise<TakenJob | undefined>;
  /** Why nothing can be taken at the moment, in a sentence; undefined while all is well. */
  readonly trouble: string | undefined;
  close(): Promise<void>;
};

/** An id that nobody else is offered until `done` or `putBack` is called, or this process dies. */
export type TakenJob = {
  readonly id: string;
  /** The job was claimed, or is gone: the queue forgets it. */
  done(): Promise<void>;
  /** It could not be asked for: the queue offers it again a little later. */
  putBack(): Promise<void>;
};
