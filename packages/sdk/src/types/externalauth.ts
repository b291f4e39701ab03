import * as z from "zod";
import { Timestamp } from "../wire.js";

/** A configured provider, such as a Git host. */
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
