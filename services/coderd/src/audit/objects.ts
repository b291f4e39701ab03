import type { Fields } from "./diff.js";

/** Kinds of objects in the log, under the names that clients filter by. */
export type AuditedType =
  | "api_key"
  | "appearance"
  | "git_ssh_key"
  | "group"
  | "health_settings"
  | "organization"
  | "organization_member"
  | "port_share"
  | "provisioner_key"
  | "template"
  | "template_version"
  | "user"
  | "workspace"
  | "workspace_build"
  | "workspace_proxy";

/** An object as the log sees it at one moment. */
export type AuditedObject = {
  id: string;
  /** What people call it. */
  target: string;
  icon?: string;
  organizationId?: string;
  fields: Fields;
  /** Facts by which a reader finds it. */
  facts?: Record<string, unknown>;
};

/** Fields whose values are never stored. */
export const SECRET_FIELDS = [
  "hashed_password",
  "hashed_secret",
  "private_key",
  "state",
  "token_hash",
] as const;

/** Parts of a key: ids that a path or an answer names. */
export type ObjectKey = { id: string; within?: string | undefined };

/** Reads the objects of these kinds; undefined for one that is not there. */
export type Loaders<T extends AuditedType = AuditedType> = Record<
  T,
  (key: ObjectKey) => Promise<AuditedObject | undefined>
>;

/** The key of a port share in its workspace. */
export function portShareId({ agent_name, port }: { agent_name: string; port: number }): string {
  return `${port}:${agent_name}`;
}
