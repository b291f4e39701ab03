/** What a permission can be about: the `resource_type` of `POST /authcheck`, of custom roles and of API-key scopes. */
export type Resource =
  | "api_key"
  | "assign_org_role"
  | "assign_role"
  | "audit_log"
  | "connection_log"
  | "crypto_key"
  | "debug_info"
  | "deployment_config"
  | "deployment_stats"
  | "file"
  | "group"
  | "group_member"
  | "idpsync_settings"
  | "inbox_notification"
  | "license"
  | "notification_message"
  | "notification_preference"
  | "notification_template"
  | "oauth2_app"
  | "oauth2_app_code_token"
  | "oauth2_app_secret"
  | "organization"
  | "organization_member"
  | "provisioner_daemon"
  | "provisioner_jobs"
  | "provisioner_keys"
  | "replicas"
  | "system"
  | "tailnet_coordinator"
  | "template"
  | "user"
  | "webpush_subscription"
  | "workspace"
  | "workspace_agent_resource_monitor"
  | "workspace_dormant"
  | "workspace_proxy";

export type Action =
  | "application_connect"
  | "assign"
  | "create"
  | "create_agent"
  | "delete"
  | "delete_agent"
  | "read"
  | "read_personal"
  | "share"
  | "ssh"
  | "start"
  | "stop"
  | "unassign"
  | "update"
  | "update_personal"
  | "use"
  | "view_insights";

/**
 * Who may call a route.
 * - `public`: anyone.
 * - `session`: any signed-in user; what the answer holds depends on what that user may read.
 * - `agent`: a workspace agent, by its token, about itself.
 * - `proxy`: a workspace proxy, by its token, about itself.
 * - a permission: a signed-in user who may do the action to the object that the path names. Where the object may not
 *   even be read, the answer is 404.
 */
export type Access = "public" | "session" | "agent" | "proxy" | Permission;

export type Permission = { resource: Resource; action: Action };
