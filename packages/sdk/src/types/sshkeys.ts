import * as z from "zod";
import { Id, MAX_LENGTH, maybe, Name, Timestamp, text } from "../wire.js";

/** A public key with which a user's SSH clients authenticate to the proxies. */
export const UserSshKey = z.object({
  id: Id,
  name: z.string(),
  /** Algorithm and base64. */
  public_key: z.string(),
  /** `SHA256:…`, as OpenSSH shows it. */
  fingerprint: z.string(),
  created_at: Timestamp,
  last_used_at: Timestamp.nullable(),
});
export type UserSshKey = z.infer<typeof UserSshKey>;

export const CreateUserSshKeyRequest = z.object({
  /** A line of authorized_keys, or the content of a .pub file. */
  public_key: text(MAX_LENGTH.description),
  /** Defaults to the key's comment. */
  name: maybe(Name),
});
export type CreateUserSshKeyRequest = z.infer<typeof CreateUserSshKeyRequest>;
