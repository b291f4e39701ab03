import type { IncomingMessage } from "node:http";
import { type FleetError, isFleetError } from "@fleet/base";
import { SCIM_MEDIA_TYPE } from "@fleet/sdk";
import { ScimError } from "../scim/errors.js";
import { MESSAGES } from "../scim/schema.js";
import { SCIM_PATH } from "../scim/service.js";
import type { ErrorBody } from "./errors.js";

/** The error as RFC 7644 §3.12 wants it; undefined if the request is not for the SCIM service. */
export function scimFailure(
  request: IncomingMessage,
  error: FleetError,
  status: number,
  body: ErrorBody,
): { headers: Record<string, string>; text: string } | undefined {
  if (!isScim(request)) return undefined;
  const scimType = keywordOf(error);
  const violations = (body.validations ?? []).map(({ field, detail }) => `${field}: ${detail}`);
  return {
    headers: {
      "Content-Type": SCIM_MEDIA_TYPE,
      ...(status === 401 ? { "WWW-Authenticate": 'Bearer realm="SCIM"' } : {}),
    },
    text: JSON.stringify({
      schemas: [`${MESSAGES}Error`],
      status: String(status),
      ...(scimType ? { scimType } : {}),
      detail: [body.message, ...(body.detail ? [body.detail] : []), ...violations].join(" "),
    }),
  };
}

function isScim({ url = "" }: IncomingMessage): boolean {
  return url === SCIM_PATH || url.startsWith(`${SCIM_PATH}/`) || url.startsWith(`${SCIM_PATH}?`);
}

function keywordOf(error: FleetError): string | undefined {
  if (error instanceof ScimError) return error.scimType;
  if (isFleetError(error, "already_exists")) return "uniqueness";
  return isFleetError(error, "invalid_argument") ? "invalidValue" : undefined;
}
