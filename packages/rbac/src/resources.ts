/**
 * Every resource and its actions. The names are those of `POST /authcheck`, of custom roles and of API-key
 * scopes (`resource:action`).
 */
export const RESOURCE_ACTIONS = {
  api_key: ["create", "read", "update", "delete"],
  assign_org_role: ["assign", "unassign", "create", "read", "update", "delete"],
  assign_role: ["assign", "unassign", "read"],
  audit_log: ["create", "read"],
  connection_log: ["read", "update"],
  crypto_key: ["create", "read", "update", "delete"],
  debug_info: ["read"],
  deployment_config: ["read", "update"],
  deployment_stats: ["read"],
  file: ["create", "read"],
  group: ["create", "read", "update", "delete"],
  group_member: ["read"],
  idpsync_settings: ["read", "update"],
  inbox_notification: ["create", "read", "update"],
  license: ["create", "read", "delete"],
  notification_message: ["create", "read", "update", "delete"],
  notification_preference: ["read", "update"],
  notification_template: ["read", "update"],
  oauth2_app: ["create", "read", "update", "delete"],
  oauth2_app_code_token: ["create", "read", "delete"],
  oauth2_app_secret: ["create", "read", "update", "delete"],
  organization: ["create", "read", "update", "delete"],
  organization_member: ["create", "read", "update", "delete"],
  policy: ["create", "read", "update", "delete"],
  provisioner_daemon: ["create", "read", "update", "delete"],
  provisioner_jobs: ["create", "read", "update"],
  provisioner_keys: ["create", "read", "delete"],
  replicas: ["read"],
  system: ["create", "read", "update", "delete"],
  tailnet_coordinator: ["create", "read", "update", "delete"],
  template: ["create", "read", "update", "delete", "use", "view_insights"],
  user: ["create", "read", "update", "delete", "read_personal", "update_personal"],
  webpush_subscription: ["create", "read", "delete"],
  workspace: [
    "create",
    "read",
    "update",
    "delete",
    "start",
    "stop",
    "ssh",
    "application_connect",
    "share",
    "create_agent",
    "delete_agent",
  ],
  workspace_agent_resource_monitor: ["create", "read", "update"],
  workspace_dormant: ["create", "read", "update", "delete", "stop", "share"],
  workspace_proxy: ["create", "read", "update", "delete"],
} as const;

export type Resource = keyof typeof RESOURCE_ACTIONS;
export type Action = (typeof RESOURCE_ACTIONS)[Resource][number];

/** An action on a resource. */
export type Permission = {
  [R in Resource]: { resource: R; action: (typeof RESOURCE_ACTIONS)[R][number] };
}[Resource];

export const RESOURCES = Object.keys(RESOURCE_ACTIONS) as Resource[];

/** Whether the resource has this action. Accepts any text, as it comes from a request. */
export function isPermission(resource: string, action: string): resource is Resource {
  return (
    Object.hasOwn(RESOURCE_ACTIONS, resource) &&
    (RESOURCE_ACTIONS[resource as Resource] as readonly string[]).includes(action)
  );
}
