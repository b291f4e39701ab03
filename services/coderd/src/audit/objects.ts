import type { Fields } from "./diff.js";

/** Audited object types, under the names clients filter by. */
export type AuditedType =
  | "api_key"
  | "appearance"
  | "custom_role"
  | "external_auth_link"
  | "git_ssh_key"
  | "group"
  | "health_settings"
  | "idp_sync_settings_group"
  | "idp_sync_settings_organization"
  | "idp_sync_settings_role"
  | "notification_template"
  | "notifications_settings"
  | "oauth2_provider_app"
  | "oauth2_provider_app_secret"
  | "oauth2_provider_grant"
  | "oauth2_provider_settings"
  | "organization"
  | "organization_member"
  | "policy"
  | "port_share"
  | "prebuilds_settings"
  | "provisioner_key"
  | "template"
  | "template_rollout"
  | "template_version"
  | "user"
  | "webhook"
  | "user_secret"
  | "user_ssh_key"
  | "workspace"
  | "workspace_build"
  | "workspace_proxy";

/** An object's state at one moment, for the audit log. */
export type AuditedObject = {
  id: string;
  /** Display name. */
  target: string;
  icon?: string;
  organizationId?: string;
  fields: Fields;
  /** Additional fields that identify the object to a reader. */
  facts?: Record<string, unknown>;
};

/** Fields whose values are never stored. */
export const SECRET_FIELDS = [
  "hashed_password",
  "hashed_secret",
  "private_key",
  "secret",
  "registration_hash",
  "state",
  "token",
  "token_hash",
  "value",
] as const;

/** Identifies an object by ids from the path or response. */
export type ObjectKey = { id: string; within?: string | undefined };

/** Loads objects of these types; undefined if an object does not exist. */
export type Loaders<T extends AuditedType = AuditedType> = Record<
  T,
  (key: ObjectKey) => Promise<AuditedObject | undefined>
>;

/** Identifies a port share within its workspace. */
export function portShareId({ agent_name, port }: { agent_name: string; port: number }): string {
  return `${port}:${agent_name}`;
}
