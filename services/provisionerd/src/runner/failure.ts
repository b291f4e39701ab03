import { FleetError } from "@fleet/base";
import type { ResourceInit } from "@fleet/provisionersdk";

/** Error codes that coderd and its clients handle. */
export type JobErrorCode = "REQUIRED_TEMPLATE_VARIABLES" | "INSUFFICIENT_QUOTA" | "";

/** A failed job, with its remaining state. The message is shown to the user. */
export class JobFailed extends FleetError {
  readonly errorCode: JobErrorCode;
  /** The state after the failure; undefined if unchanged. */
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
