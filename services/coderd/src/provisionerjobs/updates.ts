export type JobLogSource = "provisioner_daemon" | "provisioner";
export type JobLogLevel = "trace" | "debug" | "info" | "warn" | "error";

/** A line of a job's log, with the names of its columns. */
export type NewJobLog = {
  created_at: Date;
  source: JobLogSource;
  level: JobLogLevel;
  stage: string;
  output: string;
};

/** How long something took, with the names of its columns. */
export type NewJobTiming = {
  started_at: Date;
  ended_at: Date;
  stage: string;
  source: string;
  action: string;
  resource: string;
};

/** What a daemon tells of a running job. `sequence` counts up from 1; 0 is a sign of life and nothing else. */
export type JobUpdate = {
  jobId: string;
  daemonId: string;
  sequence: bigint;
  logs: NewJobLog[];
  timings: NewJobTiming[];
};

export type StoredUpdate = {
  /** The highest sequence that is stored. */
  acknowledged: bigint;
  canceled: boolean;
  /** The job has ended or is another daemon's. */
  lost: boolean;
};
