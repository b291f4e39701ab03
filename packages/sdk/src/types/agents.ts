import * as z from "zod";
import { Id, Instant, Label, list, maybe, Nanoseconds, Text, Timestamp, Url } from "../wire.js";
import { ShareLevel } from "./templates.js";

export const AppHealth = z.enum(["disabled", "initializing", "healthy", "unhealthy"]);
export type AppHealth = z.infer<typeof AppHealth>;

export const WorkspaceApp = z.object({
  id: Id,
  url: z.string().optional(),
  external: z.boolean(),
  slug: z.string(),
  display_name: z.string().optional(),
  command: z.string().optional(),
  icon: z.string().optional(),
  subdomain: z.boolean(),
  subdomain_name: z.string().optional(),
  sharing_level: ShareLevel,
  /** `interval` in seconds, `threshold` in consecutive failures. */
  healthcheck: z.object({ url: z.string(), interval: z.number(), threshold: z.number() }).optional(),
  health: AppHealth,
  hidden: z.boolean(),
  open_in: z.string(),
  group: z.string().optional(),
  tooltip: z.string().optional(),
  statuses: z.array(z.unknown()),
});
export type WorkspaceApp = z.infer<typeof WorkspaceApp>;

export const AgentStatus = z.enum(["connecting", "connected", "disconnected", "timeout"]);
export type AgentStatus = z.infer<typeof AgentStatus>;

export const AgentLifecycle = z.enum([
  "created",
  "starting",
  "start_timeout",
  "start_error",
  "ready",
  "shutting_down",
  "shutdown_timeout",
  "shutdown_error",
  "off",
]);
export type AgentLifecycle = z.infer<typeof AgentLifecycle>;

export const AgentLogSource = z.object({
  workspace_agent_id: Id,
  id: Id,
  created_at: Timestamp,
  display_name: z.string(),
  icon: z.string(),
});
export type AgentLogSource = z.infer<typeof AgentLogSource>;

export const AgentScript = z.object({
  id: Id,
  log_source_id: Id,
  log_path: z.string(),
  script: z.string(),
  cron: z.string(),
  run_on_start: z.boolean(),
  run_on_stop: z.boolean(),
  start_blocks_login: z.boolean(),
  /** In nanoseconds. */
  timeout: Nanoseconds,
  display_name: z.string(),
});
export type AgentScript = z.infer<typeof AgentScript>;

export const WorkspaceAgent = z.object({
  id: Id,
  parent_id: Id.nullish(),
  created_at: Timestamp,
  updated_at: Timestamp,
  first_connected_at: Timestamp.optional(),
  last_connected_at: Timestamp.optional(),
  disconnected_at: Timestamp.optional(),
  started_at: Timestamp.optional(),
  ready_at: Timestamp.optional(),
  status: AgentStatus,
  lifecycle_state: AgentLifecycle,
  name: z.string(),
  resource_id: Id,
  instance_id: z.string().optional(),
  architecture: z.string(),
  environment_variables: z.record(z.string(), z.string()),
  operating_system: z.string(),
  logs_length: z.number(),
  logs_overflowed: z.boolean(),
  directory: z.string().optional(),
  expanded_directory: z.string().optional(),
  version: z.string(),
  api_version: z.string(),
  apps: z.array(WorkspaceApp),
  latency: z.record(z.string(), z.object({ preferred: z.boolean(), latency_ms: z.number() })).optional(),
  connection_timeout_seconds: z.number(),
  troubleshooting_url: z.string(),
  subsystems: z.array(z.string()),
  health: z.object({ healthy: z.boolean(), reason: z.string().optional() }),
  display_apps: z.array(z.string()),
  log_sources: z.array(AgentLogSource),
  scripts: z.array(AgentScript),
  startup_script_behavior: z.enum(["blocking", "non-blocking"]),
  /** The SSH server's host key, `type base64`, once the agent has reported it: clients verify the server with it. */
  ssh_host_public_key: z.string().optional(),
});
export type WorkspaceAgent = z.infer<typeof WorkspaceAgent>;

export const LogLevel = z.enum(["trace", "debug", "info", "warn", "error"]);
export type LogLevel = z.infer<typeof LogLevel>;

export const AgentLog = z.object({
  id: z.number(),
  created_at: Timestamp,
  output: z.string(),
  level: LogLevel,
  source_id: Id,
});
export type AgentLog = z.infer<typeof AgentLog>;

export const ListeningPorts = z.object({
  ports: z.array(z.object({ process_name: z.string(), network: z.string(), port: z.number() })),
});
export type ListeningPorts = z.infer<typeof ListeningPorts>;

/** A container in a workspace. `volumes` has the path in the container by path or name of the volume. */
export const AgentContainer = z.object({
  created_at: Timestamp,
  id: z.string(),
  name: z.string(),
  image: z.string(),
  labels: z.record(z.string(), z.string()),
  running: z.boolean(),
  ports: z.array(
    z.object({
      port: z.number(),
      network: z.string(),
      host_ip: z.string().optional(),
      host_port: z.number().optional(),
    }),
  ),
  /** As the container engine says it. */
  status: z.string(),
  volumes: z.record(z.string(), z.string()),
});
export type AgentContainer = z.infer<typeof AgentContainer>;

/** A dev container of a workspace, with its container and the agent in it. */
export const AgentDevcontainer = z.object({
  id: Id,
  name: z.string(),
  workspace_folder: z.string(),
  config_path: z.string().optional(),
  /** The agent that the template declares for it. */
  subagent_id: Id.optional(),
  status: z.enum(["running", "stopped", "starting", "stopping", "deleting", "error"]),
  /** Its devcontainer.json has changed since the container was created. */
  dirty: z.boolean(),
  container: AgentContainer.optional(),
  agent: z.object({ id: Id, name: z.string(), directory: z.string() }).optional(),
  error: z.string().optional(),
});
export type AgentDevcontainer = z.infer<typeof AgentDevcontainer>;

export const AgentContainers = z.object({
  devcontainers: z.array(AgentDevcontainer),
  containers: z.array(AgentContainer),
  warnings: z.array(z.string()),
});
export type AgentContainers = z.infer<typeof AgentContainers>;

/** A metadata item: its last result and its description. Times in seconds. */
export const AgentMetadata = z.object({
  result: z.object({
    collected_at: Timestamp,
    age: z.number(),
    value: z.string(),
    error: z.string(),
  }),
  description: z.object({
    display_name: z.string(),
    key: z.string(),
    script: z.string(),
    interval: z.number(),
    timeout: z.number(),
  }),
});
export type AgentMetadata = z.infer<typeof AgentMetadata>;

export const AgentConnectionInfo = z.object({
  derp_map: z.unknown(),
  derp_force_websockets: z.boolean(),
  disable_direct_connections: z.boolean(),
  hostname_suffix: z.string().optional(),
});
export type AgentConnectionInfo = z.infer<typeof AgentConnectionInfo>;

export const AgentGitSshKey = z.object({ public_key: z.string(), private_key: z.string() });
export type AgentGitSshKey = z.infer<typeof AgentGitSshKey>;

/** Credentials for git, or a URL at which the user must sign in first. */
export const AgentExternalAuth = z.object({
  access_token: z.string(),
  token_extra: z.record(z.string(), z.unknown()).nullish(),
  url: z.string(),
  type: z.string(),
  username: z.string(),
  password: z.string(),
});
export type AgentExternalAuth = z.infer<typeof AgentExternalAuth>;

export const PatchAgentLogsRequest = z.object({
  log_source_id: Id,
  logs: list(z.object({ created_at: Instant, output: Text, level: LogLevel }), 10_000),
});
export type PatchAgentLogsRequest = z.infer<typeof PatchAgentLogsRequest>;

export const CreateLogSourceRequest = z.object({ id: Id, display_name: Label, icon: Url });
export type CreateLogSourceRequest = z.infer<typeof CreateLogSourceRequest>;

export const PtyTokenRequest = z.object({ url: Url, agentID: Id });
export type PtyTokenRequest = z.infer<typeof PtyTokenRequest>;

export const PtyTokenResponse = z.object({ signed_token: z.string() });
export type PtyTokenResponse = z.infer<typeof PtyTokenResponse>;

/** The identity document of an EC2 instance, and its base64 RSA signature, both from the metadata service. */
export const AwsInstanceIdentityRequest = z.object({ signature: Text, document: Text });
/** The attested document of an Azure machine, from the metadata service: PKCS #7 in base64. */
export const AzureInstanceIdentityRequest = z.object({
  signature: Text,
  encoding: maybe(z.enum(["", "pkcs7"])),
});
/** The identity token of a Compute Engine instance, with the audience "coder" and format=full. */
export const GoogleInstanceIdentityRequest = z.object({ json_web_token: Text });

export const AgentAuthenticateResponse = z.object({ session_token: z.string() });
export type AgentAuthenticateResponse = z.infer<typeof AgentAuthenticateResponse>;
