import type { IncomingMessage } from "node:http";
import type { FleetError } from "@fleet/base";
import type { FailureFormat, OAuth2Error } from "@fleet/sdk";
import { OAuthError } from "../oauth2/errors.js";
import type { ErrorBody } from "./errors.js";
import { html, renderPage } from "./pages/page.js";

const formats = new WeakMap<IncomingMessage, FailureFormat>();

/** Remembers how the route that the request matched reports errors. */
export function reportFailuresAs(request: IncomingMessage, format: FailureFormat | undefined): void {
  if (format) formats.set(request, format);
}

export type FailureReport = { headers: Record<string, string>; text: string };

/** The error in the format of the request's route; undefined for the API's own. */
export function failureReport(
  request: IncomingMessage,
  error: FleetError,
  body: ErrorBody,
): FailureReport | undefined {
  const format = formats.get(request);
  // Errors of SCIM are those of its whole path: see scim-error.ts.
  if (format === undefined || format === "scim") return undefined;
  if (format === "page") {
    const { document, headers } = renderPage({
      title: "This request cannot be completed",
      body: html`<p>${body.message}</p>${body.detail ? html`<p class="muted">${body.detail}</p>` : undefined}`,
    });
    return { headers, text: document };
  }
  return {
    headers: { "Content-Type": "application/json; charset=utf-8", ...challengeOf(error) },
    text: JSON.stringify({
      error: oauthCodeOf(error, format),
      error_description: described(body),
    } satisfies OAuth2Error),
  };
}

/** RFC 6749 §5.2 and RFC 6750 §3: how the client should have authenticated. */
function challengeOf(error: FleetError): Record<string, string> {
  if (!(error instanceof OAuthError)) return {};
  if (error.error === "invalid_client") return { "WWW-Authenticate": 'Basic realm="coder"' };
  if (error.error === "invalid_token")
    return { "WWW-Authenticate": 'Bearer realm="coder", error="invalid_token"' };
  return {};
}

function oauthCodeOf(error: FleetError, format: FailureFormat): string {
  if (error instanceof OAuthError) return error.error;
  switch (error.code) {
    case "internal":
      return "server_error";
    case "unavailable":
    case "deadline_exceeded":
    case "resource_exhausted":
      return "temporarily_unavailable";
    case "permission_denied":
      return "access_denied";
    case "invalid_argument":
      if (format !== "oauth2_client") return "invalid_request";
      return error.validations.some(({ field }) => field.startsWith("redirect_uris"))
        ? "invalid_redirect_uri"
        : "invalid_client_metadata";
    default:
      return "invalid_request";
  }
}

/** The characters that RFC 6749 §5.2 allows: printable ASCII without quotation marks and backslashes. */
function described({ message, validations = [] }: ErrorBody): string {
  const fields = validations.map(({ field, detail }) => `${field}: ${detail}`);
  return [message, ...fields]
    .join(" ")
    .replaceAll('"', "'")
    .replace(/[^\x20-\x7e]|\\/g, "?");
}
