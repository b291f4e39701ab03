import * as z from "zod";
import { Timestamp } from "../wire.js";

/** A provider that the deployment knows: a git host, say. */
export const ExternalAuthProvider = z.object({
  id: z.string(),
  type: z.string(),
  device: z.boolean(),
  display_name: z.string(),
  display_icon: z.string(),
  allow_refresh: z.boolean(),
  allow_validate: z.boolean(),
});
export type ExternalAuthProvider = z.infer<typeof ExternalAuthProvider>;

/** That the caller has signed in to a provider. */
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

export const ExternalAuthUser = z.object({
  id: z.number(),
  login: z.string(),
  avatar_url: z.string(),
  profile_url: z.string(),
  name: z.string(),
});
export type ExternalAuthUser = z.infer<typeof ExternalAuthUser>;

export const ExternalAuth = z.object({
  authenticated: z.boolean(),
  device: z.boolean(),
  display_name: z.string(),
  user: ExternalAuthUser.nullable(),
  app_installable: z.boolean(),
  installations: z.array(z.object({ id: z.number(), account: ExternalAuthUser, configure_url: z.string() })),
  app_install_url: z.string(),
  supports_revocation: z.boolean().optional(),
});
export type ExternalAuth = z.infer<typeof ExternalAuth>;

export const UnlinkExternalAuthResponse = z.object({
  token_revoked: z.boolean(),
  token_revocation_error: z.string().optional(),
});
export type UnlinkExternalAuthResponse = z.infer<typeof UnlinkExternalAuthResponse>;

/** A device login (RFC 8628). Times in seconds. */
export const ExternalAuthDevice = z.object({
  device_code: z.string(),
  user_code: z.string(),
  verification_uri: z.string(),
  expires_in: z.number(),
  interval: z.number(),
});
export type ExternalAuthDevice = z.infer<typeof ExternalAuthDevice>;
