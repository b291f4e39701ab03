import * as z from "zod";
import { Description, Id, Label, list, map, Name, Text, Timestamp, Url } from "../wire.js";

/** Clients parse `version` as semver and gate features on it. */
export const BuildInfo = z.object({
  external_url: z.string(),
  version: z.string(),
  /** The commit that the server was built from; `unknown` if not known. Other servers do not report it. */
  revision: z.string().optional(),
  dashboard_url: z.string(),
  telemetry: z.boolean(),
  workspace_proxy: z.boolean(),
  agent_api_version: z.string(),
  provisioner_api_version: z.string(),
  upgrade_message: z.string(),
  deployment_id: z.string(),
  webpush_public_key: z.string().optional(),
});
export type BuildInfo = z.infer<typeof BuildInfo>;

/** The primary or a workspace proxy, as visible to any signed-in user. */
export const Region = z.object({
  id: Id,
  name: z.string(),
  display_name: z.string(),
  icon_url: z.string(),
  healthy: z.boolean(),
  path_app_url: z.string(),
  wildcard_hostname: z.string(),
});
export type Region = z.infer<typeof Region>;

export const RegionsResponse = z.object({ regions: z.array(Region) });
export type RegionsResponse = z.infer<typeof RegionsResponse>;

/** A setting of the deployment. `value` is blank for a secret. Durations are in nanoseconds. */
export const DeploymentOption = z.object({
  name: z.string(),
  description: z.string().optional(),
  flag: z.string().optional(),
  env: z.string().optional(),
  yaml: z.string().optional(),
  default: z.string().optional(),
  value: z.unknown().optional(),
  hidden: z.boolean().optional(),
  group: z.object({ name: z.string(), description: z.string().optional() }).optional(),
  annotations: z.record(z.string(), z.string()).optional(),
});
export type DeploymentOption = z.infer<typeof DeploymentOption>;

export const DeploymentConfig = z.object({
  config: z.record(z.string(), z.unknown()),
  options: z.array(DeploymentOption),
});
export type DeploymentConfig = z.infer<typeof DeploymentConfig>;

export const DeploymentStats = z.object({
  aggregated_from: Timestamp,
  collected_at: Timestamp,
  next_update_at: Timestamp,
  workspaces: z.object({
    pending: z.number(),
    building: z.number(),
    running: z.number(),
    failed: z.number(),
    stopped: z.number(),
    connection_latency_ms: z.object({ P50: z.number(), P95: z.number() }),
    rx_bytes: z.number(),
    tx_bytes: z.number(),
  }),
  session_count: z.object({
    vscode: z.number(),
    ssh: z.number(),
    jetbrains: z.number(),
    reconnecting_pty: z.number(),
  }),
});
export type DeploymentStats = z.infer<typeof DeploymentStats>;

/** What `coder config-ssh` writes into the user's SSH configuration. */
export const SshConfig = z.object({
  hostname_prefix: z.string(),
  hostname_suffix: z.string().optional(),
  ssh_config_options: z.record(z.string(), z.string()),
});
export type SshConfig = z.infer<typeof SshConfig>;

export const UpdateCheck = z.object({ current: z.boolean(), version: z.string(), url: z.string() });
export type UpdateCheck = z.infer<typeof UpdateCheck>;

export const AuthorizationCheck = z.object({
  object: z.object({
    resource_type: Name,
    owner_id: Name.optional(),
    organization_id: Name.optional(),
    resource_id: Name.optional(),
    any_org: z.boolean().optional(),
  }),
  action: Name,
});
export type AuthorizationCheck = z.infer<typeof AuthorizationCheck>;

export const AuthorizationRequest = z.object({ checks: map(AuthorizationCheck) });
export type AuthorizationRequest = z.infer<typeof AuthorizationRequest>;

export const AuthorizationResponse = z.record(z.string(), z.boolean());
export type AuthorizationResponse = z.infer<typeof AuthorizationResponse>;

export const Feature = z.object({
  entitlement: z.enum(["entitled", "grace_period", "not_entitled"]),
  enabled: z.boolean(),
  limit: z.number().optional(),
  actual: z.number().optional(),
});
export type Feature = z.infer<typeof Feature>;

export const Entitlements = z.object({
  features: z.record(z.string(), Feature),
  warnings: z.array(z.string()),
  errors: z.array(z.string()),
  has_license: z.boolean(),
  trial: z.boolean(),
  require_telemetry: z.boolean(),
  refreshed_at: Timestamp,
});
export type Entitlements = z.infer<typeof Entitlements>;

export const AddLicenseRequest = z.object({ license: Text });
export type AddLicenseRequest = z.infer<typeof AddLicenseRequest>;

/** Never returned: no license is needed. */
export const License = z.object({
  id: z.number().int(),
  uuid: Id,
  uploaded_at: Timestamp,
  claims: z.record(z.string(), z.unknown()),
});
export type License = z.infer<typeof License>;

export const Banner = z.object({
  enabled: z.boolean(),
  message: z.string().optional(),
  background_color: z.string().optional(),
});
export type Banner = z.infer<typeof Banner>;

const isLink = (target: string) =>
  URL.canParse(target) && /^(?:https?|mailto):$/.test(new URL(target).protocol);

/** A link of the dashboard. Names and places are upstream's. */
export const SupportLink = z.object({
  name: z.string().min(1).max(64),
  target: Url.refine(isLink, { error: "must be an http, https or mailto URL" }),
  icon: z.string().max(64).default("link"),
  location: z.enum(["dropdown", "navbar"]).optional(),
});
export type SupportLink = z.infer<typeof SupportLink>;

export const SupportLinks = z.array(SupportLink).max(20);

export const Appearance = z.object({
  application_name: z.string(),
  logo_url: z.string(),
  docs_url: z.string(),
  service_banner: Banner,
  announcement_banners: z.array(Banner),
  /** The same under its former name. */
  notification_banners: z.array(Banner),
  support_links: SupportLinks.optional(),
});
export type Appearance = z.infer<typeof Appearance>;

const BannerInput = z.object({
  enabled: z.boolean(),
  message: Description.optional(),
  background_color: Name.optional(),
});

export const UpdateAppearanceRequest = z.object({
  application_name: Label,
  logo_url: Url,
  announcement_banners: list(BannerInput, 16),
  service_banner: BannerInput.optional(),
});
export type UpdateAppearanceRequest = z.infer<typeof UpdateAppearanceRequest>;

/** Fields of every section of the health report. */
const section = {
  error: z.string().nullish(),
  severity: z.enum(["ok", "warning", "error"]),
  warnings: z.array(z.object({ code: z.string(), message: z.string() })),
  dismissed: z.boolean(),
  healthy: z.boolean().optional(),
};
export const HealthSection = z.looseObject(section);
export type HealthSection = z.infer<typeof HealthSection>;

export const HealthReport = z.object({
  time: Timestamp,
  healthy: z.boolean(),
  severity: z.enum(["ok", "warning", "error"]),
  /** Names of the sections with an error. */
  failing_sections: z.array(z.string()),
  /** There is no relay network: no regions, and no logs. */
  derp: z.looseObject({
    ...section,
    regions: z.record(z.string(), z.unknown()),
    netcheck_logs: z.array(z.string()),
  }),
  access_url: z.looseObject({
    ...section,
    access_url: z.string(),
    reachable: z.boolean(),
    status_code: z.number(),
    healthz_response: z.string(),
  }),
  websocket: z.looseObject({ ...section, body: z.string(), code: z.number() }),
  database: z.object({
    ...section,
    reachable: z.boolean(),
    latency: z.string(),
    latency_ms: z.number(),
    threshold_ms: z.number(),
  }),
  workspace_proxy: HealthSection,
  provisioner_daemons: z.looseObject({ ...section, items: z.array(z.unknown()) }),
  coder_version: z.string(),
});
export type HealthReport = z.infer<typeof HealthReport>;

export const HealthSettings = z.object({ dismissed_healthchecks: list(Name) });
export type HealthSettings = z.infer<typeof HealthSettings>;

/** The host pattern of subdomain apps, `*.apps.example.com`; empty if there is none. */
export const ApplicationsHost = z.object({ host: z.string() });
export type ApplicationsHost = z.infer<typeof ApplicationsHost>;

/** A server process. `database_latency` in microseconds. */
export const Replica = z.object({
  id: Id,
  hostname: z.string(),
  created_at: Timestamp,
  relay_address: z.string(),
  region_id: z.number(),
  error: z.string(),
  database_latency: z.number(),
});
export type Replica = z.infer<typeof Replica>;
