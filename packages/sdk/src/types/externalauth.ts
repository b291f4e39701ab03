import * as z from "zod";
import { line, MAX_LENGTH, Timestamp } from "../wire.js";

/** A configured provider, such as a Git host. */
export const ExternalAuthProvider = z.object({
  id: z.string(),
  type: z.string(),
  device: z.boolean(),
  display_name: z.string(),
  display_icon: z.string(),
  allow_refresh: z.boolean(),
  allow_validate: z.boolean(),
  supports_revocation: z.boolean(),
  code_challenge_methods_supported: z.array(z.string()),
});
export type ExternalAuthProvider = z.infer<typeof ExternalAuthProvider>;

/** The caller's sign-in to a provider. */
export const ExternalAuthLink = z.object({
  provider_id: z.string(),
  created_at: Timestamp,
  updated_at: Timestamp,
  has_refresh_token: z.boolean(),
  expires: Timestamp,
  authenticated: z.boolean(),
  validate_error: z.string(),
});
export type ExternalAuthLink = z.infer<typeof ExternalAuthLink>;

export const ExternalAuthList = z.object({
  providers: z.array(ExternalAuthProvider),
  links: z.array(ExternalAuthLink),
});
export type ExternalAuthList = z.infer<typeof ExternalAuthList>;

/** An account at a provider. */
export const ExternalAuthUser = z.object({
  id: z.number(),
  login: z.string(),
  avatar_url: z.string(),
  profile_url: z.string(),
  name: z.string(),
});
export type ExternalAuthUser = z.infer<typeof ExternalAuthUser>;

/** Where the provider's app is installed, for providers that have apps. */
export const ExternalAuthAppInstallation = z.object({
  id: z.number(),
  account: ExternalAuthUser,
  configure_url: z.string(),
});
export type ExternalAuthAppInstallation = z.infer<typeof ExternalAuthAppInstallation>;

/** A provider, as the caller sees it. */
export const ExternalAuth = z.object({
  authenticated: z.boolean(),
  device: z.boolean(),
  display_name: z.string(),
  display_icon: z.string(),
  supports_revocation: z.boolean(),
  /** Null unless signed in, or if the provider does not tell. */
  user: ExternalAuthUser.nullable(),
  app_installable: z.boolean(),
  installations: z.array(ExternalAuthAppInstallation),
  app_install_url: z.string(),
});
export type ExternalAuth = z.infer<typeof ExternalAuth>;

/** A code to enter at the provider, on any device. */
export const ExternalAuthDevice = z.object({
  device_code: z.string(),
  user_code: z.string(),
  verification_uri: z.string(),
  /** Seconds. */
  expires_in: z.number().int(),
  /** Seconds to wait between two polls. */
  interval: z.number().int(),
});
export type ExternalAuthDevice = z.infer<typeof ExternalAuthDevice>;

export const ExternalAuthDeviceExchange = z.object({ device_code: line(MAX_LENGTH.query) });
export type ExternalAuthDeviceExchange = z.infer<typeof ExternalAuthDeviceExchange>;

export const DeleteExternalAuthResponse = z.object({
  token_revoked: z.boolean(),
  /** Why the token could not be revoked at the provider; it was deleted here anyway. */
  token_revocation_error: z.string().optional(),
});
export type DeleteExternalAuthResponse = z.infer<typeof DeleteExternalAuthResponse>;
