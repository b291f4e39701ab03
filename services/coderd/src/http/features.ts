import { routes } from "@fleet/sdk";
import type { Config } from "../config.js";

/**
 * Upstream's features, with the routes (`METHOD /path` below /api/v2) and settings each requires. None needs a license;
 * a feature is enabled if all its routes exist and all its settings are set. An empty list marks a feature that is not implemented.
 */
const FEATURES: Record<string, readonly string[]> = {
  access_control: ["PATCH /templates/:template"],
  advanced_template_scheduling: ["PUT /users/:user/quiet-hours", "CODER_QUIET_HOURS_DEFAULT_SCHEDULE"],
  aibridge: [],
  appearance: ["PUT /appearance"],
  audit_log: ["GET /audit"],
  browser_only: ["CODER_BROWSER_ONLY"],
  connection_log: ["GET /connectionlog"],
  control_shared_ports: ["POST /workspaces/:workspace/port-share"],
  custom_roles: [
    "POST /organizations/:organization/members/roles",
    "PUT /organizations/:organization/members/roles",
  ],
  external_provisioner_daemons: ["GET /provisionerdaemons/rpc"],
  external_token_encryption: ["CODER_EXTERNAL_TOKEN_ENCRYPTION_KEYS"],
  high_availability: ["GET /replicas"],
  multiple_external_auth: ["GET /external-auth/:provider", "CODER_EXTERNAL_AUTH"],
  multiple_organizations: ["POST /organizations", "DELETE /organizations/:organization"],
  scim: ["GET /scim/v2/Users", "CODER_SCIM_AUTH_HEADER"],
  task_batch_actions: [],
  template_rbac: ["PATCH /templates/:template/acl", "POST /organizations/:organization/groups"],
  user_limit: [],
  user_role_management: ["PUT /users/:user/roles"],
  workspace_batch_actions: [],
  workspace_external_agent: ["GET /workspaces/:workspace/external-agent/:agentName/credentials"],
  workspace_prebuilds: ["PUT /prebuilds/settings", "POST /templates/:template/prebuilds/invalidate"],
  workspace_sharing: [
    "PATCH /workspaces/:workspace/acl",
    "PATCH /organizations/:organization/settings/workspace-sharing",
  ],
  workspace_proxy: ["POST /workspaceproxies"],
};

export type Feature = { entitlement: "entitled"; enabled: boolean };

/**
 * The features of this server. Computed from existing routes, so that no feature is listed whose routes would return
 * 404.
 */
export function features(present: ReadonlySet<string>): Record<string, Feature> {
  return Object.fromEntries(
    Object.entries(FEATURES).map(([name, parts]) => [
      name,
      {
        entitlement: "entitled" as const,
        enabled: parts.length > 0 && parts.every((part) => present.has(part)),
      },
    ]),
  );
}

/** Routes, in the format of FEATURES, and the settings that have a value. */
export function presentParts(config: Config): Set<string> {
  const served = Object.values(routes).map(({ method, path }) => `${method} ${path.replace("/api/v2", "")}`);
  const set = Object.entries(config).filter(([, value]) => value !== undefined && value !== "");
  return new Set([...served, ...set.map(([name]) => name)]);
}
