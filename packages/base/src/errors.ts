/**
 * The fleet's only error model. Domain code throws a FleetError (or a subclass that adds typed fields); only the
 * edges, HTTP and gRPC, translate a code into a status, using the table below.
 */

/** Every code, with its HTTP status and its gRPC status number (grpc.status). */
export const ERROR_CODES = {
  invalid_argument: { http: 400, grpc: 3 },
  unauthenticated: { http: 401, grpc: 16 },
  permission_denied: { http: 403, grpc: 7 },
  not_found: { http: 404, grpc: 5 },
  conflict: { http: 409, grpc: 10 },
  already_exists: { http: 409, grpc: 6 },
  failed_precondition: { http: 412, grpc: 9 },
  too_large: { http: 413, grpc: 11 },
  unprocessable: { http: 422, grpc: 3 },
  resource_exhausted: { http: 429, grpc: 8 },
  canceled: { http: 499, grpc: 1 },
  internal: { http: 500, grpc: 13 },
  unimplemented: { http: 501, grpc: 12 },
  unavailable: { http: 503, grpc: 14 },
  deadline_exceeded: { http: 504, grpc: 4 },
} as const satisfies Record<string, { http: number; grpc: number }>;

export type ErrorCode = keyof typeof ERROR_CODES;

/** An invalid field of the request, and why: a sentence. */
export type FieldViolation = { field: string; detail: string };

export type FleetErrorOptions = {
  /** Additional detail, shown below the message. Never holds a secret. */
  detail?: string;
  validations?: readonly FieldViolation[];
  /** The underlying error; logged, never sent. */
  cause?: unknown;
};

/** An error whose message tells the user what to do, and is safe to show to the user who made the request. */
export class FleetError extends Error {
  override readonly name: string = "FleetError";
  readonly code: ErrorCode;
  readonly detail: string | undefined;
  readonly validations: readonly FieldViolation[];

  constructor(code: ErrorCode, message: string, options: FleetErrorOptions = {}) {
    super(message, { cause: options.cause });
    this.code = code;
    this.detail = options.detail;
    this.validations = options.validations ?? [];
  }
}

/** True for a FleetError with one of the codes, or with any code if none is named. */
export function isFleetError(error: unknown, ...codes: ErrorCode[]): error is FleetError {
  return error instanceof FleetError && (codes.length === 0 || codes.includes(error.code));
}

/** The error itself if it is a FleetError; otherwise an `internal` one that hides it as its cause. */
export function toFleetError(error: unknown): FleetError {
  if (error instanceof FleetError) return error;
  return new FleetError("internal", "Internal error. See the server log for details, under the request ID.", {
    cause: error,
  });
}

/** The code with this gRPC status number, `internal` if there is none. */
export function codeOfGrpcStatus(status: number): ErrorCode {
  for (const [code, statuses] of Object.entries(ERROR_CODES)) {
    if (statuses.grpc === status) return code as ErrorCode;
  }
  return "internal";
}

/** The message of any thrown value, for logs. */
export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
