import { ERROR_CODES, type Logger } from "@fleet/base";
import { RETRY_AFTER_SECONDS, toTold } from "../outage.js";
import { HttpRefusal } from "./refusal.js";

/** The body of every failed answer. */
export type ErrorBody = {
  message: string;
  detail?: string;
  validations?: { field: string; detail: string }[];
};

/**
 * What an error looks like on the wire. Whatever is no FleetError is hidden, and logged with its cause; a database that is
 * away is told as such, with the time to come again.
 */
export function errorResponse(
  error: unknown,
  requestId: string,
  logger: Logger,
): { status: number; headers: Record<string, string>; body: ErrorBody } {
  const fleetError = toTold(error);
  if (fleetError.code === "internal") {
    logger.error("request failed", { requestId, error: fleetError.cause ?? fleetError });
  }
  const refusal = fleetError instanceof HttpRefusal ? fleetError : undefined;
  const status = refusal?.status ?? ERROR_CODES[fleetError.code].http;
  const detail =
    fleetError.detail ?? (fleetError.code === "internal" ? `Request ID: ${requestId}` : undefined);
  return {
    status,
    headers: {
      ...(status === 503 || status === 429 ? { "Retry-After": String(RETRY_AFTER_SECONDS) } : {}),
      ...refusal?.headers,
    },
    body: {
      message: fleetError.message,
      ...(detail ? { detail } : {}),
      ...(fleetError.validations.length > 0 ? { validations: [...fleetError.validations] } : {}),
    },
  };
}
