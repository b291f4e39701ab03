import { type ErrorCode, FleetError, isFleetError, NoAnswer } from "@fleet/sdk/browser";

/** An error for display: what happened, details, and a message for each field. */
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

/** True if there was no answer, or none from the deployment: the network or a proxy failed. */
export function isUnanswered(error: unknown): error is NoAnswer {
  return error instanceof NoAnswer;
}

/** True if retrying may help: the network or the server is temporarily unavailable. */
export function isPassing(error: unknown): boolean {
  return isFleetError(error, "unavailable", "deadline_exceeded", "resource_exhausted");
}

export { FleetError, isFleetError };
