import { ERROR_CODES, type Logger } from "@fleet/base";
import { RETRY_AFTER_SECONDS, toTold } from "../outage.js";
import { HttpRefusal } from "./refusal.js";

/** The body of every error response. */
export type ErrorBody = {
  message: string;
  detail?: string;
  validations?: { field: string; detail: string }[];
};

/**
 * The wire form of an error. Anything but a FleetError is hidden from the client and logged with its cause; if the
 * database is down, the response says so, with Retry-After.
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
