import { ERROR_CODES, type Logger, toFleetError } from "@fleet/base";

/** The body of every failed answer. */
export type ErrorBody = {
  message: string;
  detail?: string;
  validations?: { field: string; detail: string }[];
};

/** What an error looks like on the wire. Whatever is no FleetError is hidden, and logged with its cause. */
export function errorResponse(
  error: unknown,
  requestId: string,
  logger: Logger,
): { status: number; body: ErrorBody } {
  const fleetError = toFleetError(error);
  if (fleetError.code === "internal") {
    logger.error("request failed", { requestId, error: fleetError.cause ?? fleetError });
  }
  const detail =
    fleetError.detail ?? (fleetError.code === "internal" ? `Request id: ${requestId}` : undefined);
  return {
    status: ERROR_CODES[fleetError.code].http,
    body: {
      message: fleetError.message,
      ...(detail ? { detail } : {}),
      ...(fleetError.validations.length > 0 ? { validations: [...fleetError.validations] } : {}),
    },
  };
}
