import { FleetError } from "@fleet/base";

/** Error codes of RFC 6749 §4.1.2.1 and §5.2, RFC 6750 §3.1, RFC 7591 §3.2.2 and RFC 8707 §2. */
export type OAuthErrorCode =
  | "access_denied"
  | "invalid_client"
  | "invalid_client_metadata"
  | "invalid_grant"
  | "invalid_redirect_uri"
  | "invalid_request"
  | "invalid_scope"
  | "invalid_target"
  | "invalid_token"
  | "unauthorized_client"
  | "unsupported_grant_type"
  | "unsupported_response_type";

/** A refusal that the app reads by its code. */
export class OAuthError extends FleetError {
  override readonly name: string = "OAuthError";
  readonly error: OAuthErrorCode;

  constructor(error: OAuthErrorCode, message: string) {
    const unauthenticated = error === "invalid_client" || error === "invalid_token";
    super(unauthenticated ? "unauthenticated" : "invalid_argument", message);
    this.error = error;
  }
}

/** A refused authorization request whose redirect URI is valid, so that the app is told there (RFC 6749 §4.1.2.1). */
export class AuthorizationRefused extends OAuthError {
  override readonly name = "AuthorizationRefused";
  readonly redirectUri: string;

  constructor(error: OAuthErrorCode, message: string, redirectUri: string) {
    super(error, message);
    this.redirectUri = redirectUri;
  }
}
