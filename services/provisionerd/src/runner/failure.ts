import { FleetError } from "@fleet/base";
import type { ResourceInit } from "@fleet/provisionersdk";

/** Codes that coderd and its clients know what to do about. */
export type JobErrorCode = "REQUIRED_TEMPLATE_VARIABLES" | "INSUFFICIENT_QUOTA" | "";

/** A job that ended badly, with what was left of it. The message is what the user reads. */
export class JobFailed extends FleetError {
  readonly errorCode: JobErrorCode;
  /** The state as it was left; undefined when it was not touched. */
  readonly state: Uint8Array | undefined;
  readonly resources: ResourceInit[];

  constructor(
    message: string,
    options: {
      errorCode?: JobErrorCode;
      state?: Uint8Array;
      resources?: ResourceInit[];
      cause?: unknown;
    } = {},
  ) {
    super("failed_precondition", message, { cause: options.cause });
    this.errorCode = options.errorCode ?? "";
    this.state = options.state;
    this.resources = options.resources ?? [];
  }
}
