import { type ErrorCode, FleetError, isFleetError } from "@fleet/sdk";

/** The error as a person reads it: what happened, more for the curious, and one sentence for each field. */
export type ReadableError = {
  code: ErrorCode | undefined;
  message: string;
  detail: string | undefined;
  fields: Record<string, string>;
};

export function readError(error: unknown): ReadableError {
  if (error instanceof FleetError) {
    const fields = Object.fromEntries(error.validations.map(({ field, detail }) => [field, detail]));
    return { code: error.code, message: error.message, detail: error.detail, fields };
  }
  const message = error instanceof Error ? error.message : String(error);
  return { code: undefined, message: `The page met an error: ${message}`, detail: undefined, fields: {} };
}

/** True where asking again may help: the network or the server is away for a moment. */
export function isPassing(error: unknown): boolean {
  return isFleetError(error, "unavailable", "deadline_exceeded", "resource_exhausted");
}

export { isFleetError };
