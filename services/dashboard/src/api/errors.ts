import { type ErrorCode, FleetError, isFleetError, NoAnswer } from "@fleet/sdk/browser";

/** The error as a person reads it: what happened, more for the curious, and one sentence for each field. */
export type ReadableError = {
  code: ErrorCode | undefined;
  message: string;
  detail: string | undefined;
  fields: Record<string, string>;
};

export function readError(error: unknown): ReadableError {
  if (isUnanswered(error)) return plain("The server could not be reached. Try again.", error.code);
  if (error instanceof FleetError) {
    const fields = Object.fromEntries(error.validations.map(({ field, detail }) => [field, detail]));
    return { code: error.code, message: error.message, detail: error.detail, fields };
  }
  const message = error instanceof Error ? error.message : String(error);
  return { ...plain("Something went wrong on this page. Reload it and try again."), detail: message };
}

function plain(message: string, code?: ErrorCode): ReadableError {
  return { code, message, detail: undefined, fields: {} };
}

/** True where no answer came, or one that is not the deployment's: the network or what lies between failed. */
export function isUnanswered(error: unknown): error is NoAnswer {
  return error instanceof NoAnswer;
}

/** True where asking again may help: the network or the server is away for a moment. */
export function isPassing(error: unknown): boolean {
  return isFleetError(error, "unavailable", "deadline_exceeded", "resource_exhausted");
}

export { FleetError, isFleetError };
