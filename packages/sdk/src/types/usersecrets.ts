import * as z from "zod";
import { Description, Id, line, MAX_LENGTH, maybe, Name, Timestamp, text } from "../wire.js";

/** A secret that a user stores for their workspaces. Its value is never sent back. */
export const UserSecret = z.object({
  id: Id,
  name: z.string(),
  description: z.string(),
  env_name: z.string(),
  file_path: z.string(),
  enabled: z.boolean(),
  created_at: Timestamp,
  updated_at: Timestamp,
});
export type UserSecret = z.infer<typeof UserSecret>;

const Value = text(MAX_LENGTH.text);
const FilePath = line(MAX_LENGTH.query);

export const CreateUserSecretRequest = z.object({
  name: Name,
  value: Value,
  description: maybe(Description),
  env_name: maybe(Name),
  file_path: maybe(FilePath),
  enabled: maybe(z.boolean()),
});
export type CreateUserSecretRequest = z.infer<typeof CreateUserSecretRequest>;

/** Only the fields that are present change. */
export const UpdateUserSecretRequest = z.object({
  value: maybe(Value),
  description: maybe(Description),
  env_name: maybe(Name),
  file_path: maybe(FilePath),
  enabled: maybe(z.boolean()),
});
export type UpdateUserSecretRequest = z.infer<typeof UpdateUserSecretRequest>;
