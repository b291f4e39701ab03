import { FleetError } from "@fleet/base";

export class JobNotFound extends FleetError {
  readonly jobId: string;

  constructor(jobId: string) {
    super("not_found", "Job not found, or you do not have access to it.");
    this.jobId = jobId;
  }
}

/** The job has ended or another daemon has it; the caller's view of it is stale. */
export class JobLost extends FleetError {
  readonly jobId: string;

  constructor(jobId: string) {
    super("failed_precondition", "The job is no longer assigned to this daemon. Stop it.");
    this.jobId = jobId;
  }
}

export class JobNotCancelable extends FleetError {
  readonly jobId: string;

  constructor(jobId: string, status: string) {
    super("failed_precondition", `The job is ${status}, so it cannot be canceled.`);
    this.jobId = jobId;
  }
}

export class JobNotRetriable extends FleetError {
  constructor() {
    super("conflict", "The job is no longer in the expected state. Refresh and try again.");
  }
}

export class IdempotencyKeyReused extends FleetError {
  constructor() {
    super(
      "unprocessable",
      "This Idempotency-Key was used for a different request. Use a new key for each request.",
    );
  }
}
