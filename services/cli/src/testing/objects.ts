import { randomUUID } from "node:crypto";
import type {
  BuildInfo,
  ProvisionerJob,
  RichParameter,
  Template,
  TemplateVersion,
  User,
  Workspace,
  WorkspaceAgent,
  WorkspaceBuild,
} from "@fleet/sdk";

/** API objects with default values, for tests to override. */

const NOW = "2026-11-24T09:00:00Z";

export function user(changes: Partial<User> = {}): User {
  return {
    id: randomUUID(),
    username: "ana",
    name: "Ana",
    email: "ana@example.com",
    avatar_url: "",
    created_at: NOW,
    updated_at: NOW,
    last_seen_at: NOW,
    status: "active",
    login_type: "password",
    organization_ids: [],
    roles: [],
    ...changes,
  };
}

export function job(changes: Partial<ProvisionerJob> = {}): ProvisionerJob {
  return {
    id: randomUUID(),
    created_at: NOW,
    status: "succeeded",
    file_id: randomUUID(),
    tags: {},
    queue_position: 0,
    queue_size: 0,
    organization_id: randomUUID(),
    input: {},
    type: "workspace_build",
    metadata: {
      template_version_name: "v1",
      template_name: "docker",
      template_display_name: "",
      template_icon: "",
    },
    ...changes,
  };
}

export function agent(changes: Partial<WorkspaceAgent> = {}): WorkspaceAgent {
  return {
    id: randomUUID(),
    created_at: NOW,
    updated_at: NOW,
    status: "connected",
    lifecycle_state: "ready",
    name: "main",
    resource_id: randomUUID(),
    architecture: "amd64",
    environment_variables: {},
    operating_system: "linux",
    logs_length: 0,
    logs_overflowed: false,
    version: "v2.33.0",
    api_version: "2.9",
    apps: [],
    connection_timeout_seconds: 120,
    troubleshooting_url: "",
    subsystems: [],
    health: { healthy: true },
    display_apps: [],
    log_sources: [],
    scripts: [],
    startup_script_behavior: "non-blocking",
    ...changes,
  };
}

export function build(
  changes: Partial<WorkspaceBuild> = {},
  agents: WorkspaceAgent[] = [agent()],
): WorkspaceBuild {
  return {
    id: randomUUID(),
    created_at: NOW,
    updated_at: NOW,
    workspace_id: randomUUID(),
    workspace_name: "dev",
    workspace_owner_id: randomUUID(),
    workspace_owner_name: "ana",
    template_version_id: randomUUID(),
    template_version_name: "v1",
    build_number: 1,
    transition: "start",
    initiator_id: randomUUID(),
    initiator_name: "ana",
    job: job(),
    reason: "initiator",
    resources: [
      {
        id: randomUUID(),
        created_at: NOW,
        job_id: randomUUID(),
        workspace_transition: "start",
        type: "docker_container",
        name: "workspace",
        hide: false,
        icon: "",
        agents,
        daily_cost: 0,
      },
    ],
    status: "running",
    daily_cost: 0,
    ...changes,
  };
}

export function workspace(changes: Partial<Workspace> = {}): Workspace {
  return {
    id: randomUUID(),
    created_at: NOW,
    updated_at: NOW,
    owner_id: randomUUID(),
    owner_name: "ana",
    owner_avatar_url: "",
    organization_id: randomUUID(),
    organization_name: "coder",
    template_id: randomUUID(),
    template_name: "docker",
    template_display_name: "Docker",
    template_icon: "",
    template_allow_user_cancel_workspace_jobs: true,
    template_active_version_id: randomUUID(),
    template_require_active_version: false,
    latest_build: build(),
    outdated: false,
    name: "dev",
    last_used_at: NOW,
    deleting_at: null,
    dormant_at: null,
    health: { healthy: true, failing_agents: [] },
    automatic_updates: "never",
    allow_renames: true,
    favorite: false,
    next_start_at: null,
    ...changes,
  };
}

export function parameter(name: string, changes: Partial<RichParameter> = {}): RichParameter {
  return {
    name,
    description: "",
    description_plaintext: "",
    type: "string",
    mutable: true,
    default_value: "",
    icon: "",
    options: [],
    required: true,
    ephemeral: false,
    ...changes,
  };
}

export function template(changes: Partial<Template> = {}): Template {
  return {
    id: randomUUID(),
    organization_id: randomUUID(),
    organization_name: "coder",
    organization_display_name: "Coder",
    organization_icon: "",
    created_at: NOW,
    updated_at: NOW,
    name: "docker",
    display_name: "",
    provisioner: "terraform",
    active_version_id: version().id,
    active_user_count: 1,
    build_time_stats: {},
    description: "",
    deprecated: false,
    deprecation_message: "",
    icon: "",
    default_ttl_ms: 0,
    activity_bump_ms: 0,
    autostop_requirement: { days_of_week: [], weeks: 1 },
    autostart_requirement: { days_of_week: [] },
    created_by_id: user().id,
    created_by_name: "ana",
    allow_user_autostart: true,
    allow_user_autostop: true,
    allow_user_cancel_workspace_jobs: true,
    failure_ttl_ms: 0,
    time_til_dormant_ms: 0,
    time_til_dormant_autodelete_ms: 0,
    require_active_version: false,
    max_port_share_level: "owner",
    ...changes,
  };
}

export function version(changes: Partial<TemplateVersion> = {}): TemplateVersion {
  return {
    id: randomUUID(),
    organization_id: randomUUID(),
    created_at: NOW,
    updated_at: NOW,
    name: "v1",
    message: "",
    job: job(),
    readme: "",
    created_by: user(),
    archived: false,
    ...changes,
  };
}

export function buildInfo(): BuildInfo {
  return {
    external_url: "",
    version: "v2.33.0",
    dashboard_url: "",
    telemetry: false,
    workspace_proxy: false,
    agent_api_version: "2.9",
    provisioner_api_version: "1.20",
    upgrade_message: "",
    deployment_id: "",
  };
}
