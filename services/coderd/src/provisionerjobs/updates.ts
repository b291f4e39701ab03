export type JobLogSource = "provisioner_daemon" | "provisioner";
export type JobLogLevel = "trace" | "debug" | "info" | "warn" | "error";

/** A line of a job's log. Fields are named after the columns. */
export type NewJobLog = {
  created_at: Date;
  source: JobLogSource;
  level: JobLogLevel;
  stage: string;
  output: string;
};

/** How long something took. Fields are named after the columns. */
export type NewJobTiming = {
  started_at: Date;
  ended_at: Date;
  stage: string;
  source: string;
  action: string;
  resource: string;
};

/** A daemon's update of a running job. `sequence` counts up from 1; 0 is only a heartbeat. */
export type JobUpdate = {
  jobId: string;
  daemonId: string;
  sequence: bigint;
  logs: NewJobLog[];
  timings: NewJobTiming[];
};

export type StoredUpdate = {
  /** The highest stored sequence number. */
  acknowledged: bigint;
  canceled: boolean;
  /** The job has ended or belongs to another daemon. */
  lost: boolean;
};
