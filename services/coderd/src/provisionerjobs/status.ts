/** A job's timestamps, which determine its status. */
export type JobTimes = {
  startedAt: Date | null;
  canceledAt: Date | null;
  completedAt: Date | null;
  error: string | null;
};

export type JobStatus = "pending" | "running" | "succeeded" | "canceling" | "canceled" | "failed";

export const JOB_STATUSES: readonly JobStatus[] = [
  "pending",
  "running",
  "succeeded",
  "canceling",
  "canceled",
  "failed",
];

export function statusOf(job: JobTimes): JobStatus {
  if (job.completedAt) {
    if (job.error) return "failed";
    return job.canceledAt ? "canceled" : "succeeded";
  }
  if (!job.startedAt) return "pending";
  return job.canceledAt ? "canceling" : "running";
}

/** True while the job is pending or a daemon has it. */
export function isActive(status: JobStatus): boolean {
  return status === "pending" || status === "running" || status === "canceling";
}

export type JobEvent = "claimed" | "cancel" | "completed" | "failed" | "lost";

/**
 * The state after an event; undefined if the event does not apply. `lost` is for template jobs, which are retried; a
 * build whose daemon is lost is `failed`. The SQL transitions in store.ts guard on the same states.
 */
export function next(status: JobStatus, event: JobEvent): JobStatus | undefined {
  switch (event) {
    case "claimed":
      return status === "pending" ? "running" : undefined;
    case "cancel":
      if (status === "pending") return "canceled";
      return status === "running" ? "canceling" : undefined;
    case "completed":
      return status === "running" || status === "canceling" ? "succeeded" : undefined;
    case "failed":
      if (status === "canceling") return "canceled";
      return status === "running" || status === "pending" ? "failed" : undefined;
    case "lost":
      if (status === "canceling") return "canceled";
      return status === "running" ? "pending" : undefined;
  }
}

/** Lower runs first. */
export const JOB_PRIORITY = {
  /** A user is waiting for a start or stop. */
  interactive: 10,
  delete: 20,
  template: 30,
  scheduled: 40,
  prebuild: 50,
} as const;
