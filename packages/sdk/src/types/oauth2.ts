import * as z from "zod";
import { Id, Label, line, list, MAX_LENGTH, maybe, Timestamp, Url } from "../wire.js";

/** Where apps find the server's endpoints. `device_authorization` is empty: it is not offered. */
export const OAuth2AppEndpoints = z.object({
  authorization: z.string(),
  token: z.string(),
  token_revoke: z.string(),
  device_authorization: z.string(),
});
export type OAuth2AppEndpoints = z.infer<typeof OAuth2AppEndpoints>;

export const OAuth2ProviderApp = z.object({
  id: Id,
  name: z.string(),
  icon: z.string(),
  /** The first of `redirect_uris`. */
  callback_url: z.string(),
  redirect_uris: z.array(z.string()),
  client_type: z.enum(["confidential", "public"]),
  /** Registered by itself (RFC 7591), not by an administrator. */
  dynamically_registered: z.boolean(),
  /** The scopes that its tokens are limited to, separated by spaces; empty for no limit. */
  scope: z.string(),
  created_at: Timestamp,
  endpoints: OAuth2AppEndpoints,
});
export type OAuth2ProviderApp = z.infer<typeof OAuth2ProviderApp>;

/** Maximum redirect URIs of an app. */
const MAX_REDIRECTS = 20;
const RedirectUris = list(Url, MAX_REDIRECTS);
/** Scopes separated by spaces. */
const ScopeText = line(MAX_LENGTH.query);

/** Needs `redirect_uris`, or `callback_url` as the older field for a single one. */
export const CreateOAuth2AppRequest = z.object({
  name: Label,
  icon: maybe(Url),
  callback_url: maybe(Url),
  redirect_uris: maybe(RedirectUris),
  scope: maybe(ScopeText),
});
export type CreateOAuth2AppRequest = z.input<typeof CreateOAuth2AppRequest>;

/** Omitted fields stay as they are; an empty `scope` removes the limit. */
export const UpdateOAuth2AppRequest = CreateOAuth2AppRequest.partial();
export type UpdateOAuth2AppRequest = z.input<typeof UpdateOAuth2AppRequest>;

export const OAuth2AppSecret = z.object({
  id: Id,
  created_at: Timestamp,
  last_used_at: Timestamp.nullable(),
  /** The last characters, preceded by asterisks. */
  client_secret_truncated: z.string(),
});
export type OAuth2AppSecret = z.infer<typeof OAuth2AppSecret>;

/** The secret is shown only once, here. */
export const OAuth2AppSecretFull = z.object({ id: Id, client_secret_full: z.string() });
export type OAuth2AppSecretFull = z.infer<typeof OAuth2AppSecretFull>;

/** Whether apps may register themselves (RFC 7591). */
export const OAuth2ProviderSettings = z.object({ dynamic_client_registration_enabled: z.boolean() });
export type OAuth2ProviderSettings = z.infer<typeof OAuth2ProviderSettings>;

/** RFC 6749 §5.1. */
export const OAuth2TokenResponse = z.object({
  access_token: z.string(),
  token_type: z.literal("Bearer"),
  /** In seconds. */
  expires_in: z.number(),
  /** The same time as a date, which Go clients read. */
  expiry: Timestamp,
  refresh_token: z.string(),
  scope: z.string(),
});
export type OAuth2TokenResponse = z.infer<typeof OAuth2TokenResponse>;

/**
 * Client metadata of RFC 7591 §2. Fields that are not here are ignored, as §2 requires. `grant_types` and
 * `response_types` may only name what the server offers.
 */
export const OAuth2ClientMetadata = z.object({
  redirect_uris: RedirectUris,
  client_name: maybe(Label),
  token_endpoint_auth_method: maybe(Label),
  grant_types: maybe(list(Label, 8)),
  response_types: maybe(list(Label, 8)),
  scope: maybe(ScopeText),
  client_uri: maybe(Url),
  logo_uri: maybe(Url),
  tos_uri: maybe(Url),
  policy_uri: maybe(Url),
  contacts: maybe(list(Label, 8)),
  software_id: maybe(Label),
  software_version: maybe(Label),
});
export type OAuth2ClientMetadata = z.input<typeof OAuth2ClientMetadata>;

/** RFC 7592 §2.2: the full metadata, which replaces the former; the client repeats its own id. */
export const UpdateOAuth2ClientRequest = OAuth2ClientMetadata.extend({ client_id: maybe(Label) });
export type UpdateOAuth2ClientRequest = z.input<typeof UpdateOAuth2ClientRequest>;

/** RFC 7591 §3.2.1 and RFC 7592 §3. The secret is only in the response to the registration. */
export const OAuth2Client = z.object({
  client_id: z.string(),
  client_secret: z.string().optional(),
  client_id_issued_at: z.number(),
  /** 0: never. Absent for a client without a secret. */
  client_secret_expires_at: z.number().optional(),
  registration_client_uri: z.string(),
  registration_access_token: z.string(),
  redirect_uris: z.array(z.string()),
  client_name: z.string(),
  token_endpoint_auth_method: z.string(),
  grant_types: z.array(z.string()),
  response_types: z.array(z.string()),
  scope: z.string(),
  client_uri: z.string().optional(),
  logo_uri: z.string().optional(),
  tos_uri: z.string().optional(),
  policy_uri: z.string().optional(),
  contacts: z.array(z.string()).optional(),
  software_id: z.string().optional(),
  software_version: z.string().optional(),
});
export type OAuth2Client = z.infer<typeof OAuth2Client>;

/** RFC 8414 §2. */
export const OAuth2ServerMetadata = z.object({
  issuer: z.string(),
  authorization_endpoint: z.string(),
  token_endpoint: z.string(),
  /** Absent while apps cannot register themselves. */
  registration_endpoint: z.string().optional(),
  revocation_endpoint: z.string(),
  response_types_supported: z.array(z.string()),
  response_modes_supported: z.array(z.string()),
  grant_types_supported: z.array(z.string()),
  code_challenge_methods_supported: z.array(z.string()),
  scopes_supported: z.array(z.string()),
  token_endpoint_auth_methods_supported: z.array(z.string()),
  revocation_endpoint_auth_methods_supported: z.array(z.string()),
  authorization_response_iss_parameter_supported: z.boolean(),
});
export type OAuth2ServerMetadata = z.infer<typeof OAuth2ServerMetadata>;

/** RFC 9728 §2. */
export const OAuth2ResourceMetadata = z.object({
  resource: z.string(),
  authorization_servers: z.array(z.string()),
  scopes_supported: z.array(z.string()),
  bearer_methods_supported: z.array(z.string()),
});
export type OAuth2ResourceMetadata = z.infer<typeof OAuth2ResourceMetadata>;
