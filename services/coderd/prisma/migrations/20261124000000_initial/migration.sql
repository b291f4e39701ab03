-- CreateSchema
CREATE SCHEMA IF NOT EXISTS "public";

-- CreateEnum
CREATE TYPE "job_type" AS ENUM ('template_version_import', 'template_version_dry_run', 'workspace_build');

-- CreateEnum
CREATE TYPE "user_status" AS ENUM ('active', 'dormant', 'suspended');

-- CreateEnum
CREATE TYPE "login_type" AS ENUM ('password', 'github', 'oidc', 'token', 'none');

-- CreateEnum
CREATE TYPE "build_transition" AS ENUM ('start', 'stop', 'delete');

-- CreateTable
CREATE TABLE "workspace_agents" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "resource_id" UUID NOT NULL,
    "workspace_id" UUID,
    "name" TEXT NOT NULL,
    "token_hash" BYTEA,
    "instance_id" TEXT,
    "operating_system" TEXT NOT NULL,
    "architecture" TEXT NOT NULL,
    "directory" TEXT NOT NULL DEFAULT '',
    "expanded_directory" TEXT NOT NULL DEFAULT '',
    "environment" JSONB NOT NULL DEFAULT '{}',
    "connection_timeout_seconds" INTEGER NOT NULL DEFAULT 120,
    "troubleshooting_url" TEXT NOT NULL DEFAULT '',
    "motd_file" TEXT NOT NULL DEFAULT '',
    "display_apps" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "display_order" INTEGER NOT NULL DEFAULT 0,
    "api_key_scope" TEXT NOT NULL DEFAULT 'all',
    "resources_monitoring" JSONB NOT NULL DEFAULT '{}',
    "version" TEXT NOT NULL DEFAULT '',
    "api_version" TEXT NOT NULL DEFAULT '',
    "subsystems" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "lifecycle_state" TEXT NOT NULL DEFAULT 'created',
    "started_at" TIMESTAMPTZ(3),
    "ready_at" TIMESTAMPTZ(3),
    "first_connected_at" TIMESTAMPTZ(3),
    "last_connected_at" TIMESTAMPTZ(3),
    "disconnected_at" TIMESTAMPTZ(3),
    "boot_id" TEXT NOT NULL DEFAULT '',
    "log_sequence" BIGINT NOT NULL DEFAULT 0,
    "logs_length" INTEGER NOT NULL DEFAULT 0,
    "logs_overflowed" BOOLEAN NOT NULL DEFAULT false,
    "ssh_host_public_key" TEXT NOT NULL DEFAULT '',
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "workspace_agents_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "workspace_agent_scripts" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "agent_id" UUID NOT NULL,
    "log_source_id" UUID NOT NULL,
    "display_name" TEXT NOT NULL,
    "script" TEXT NOT NULL,
    "cron" TEXT NOT NULL DEFAULT '',
    "run_on_start" BOOLEAN NOT NULL DEFAULT false,
    "run_on_stop" BOOLEAN NOT NULL DEFAULT false,
    "start_blocks_login" BOOLEAN NOT NULL DEFAULT false,
    "timeout_seconds" INTEGER NOT NULL DEFAULT 0,
    "log_path" TEXT NOT NULL DEFAULT '',

    CONSTRAINT "workspace_agent_scripts_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "workspace_agent_script_timings" (
    "id" BIGSERIAL NOT NULL,
    "script_id" UUID NOT NULL,
    "started_at" TIMESTAMPTZ(3) NOT NULL,
    "ended_at" TIMESTAMPTZ(3) NOT NULL,
    "exit_code" INTEGER NOT NULL,
    "stage" TEXT NOT NULL,
    "status" TEXT NOT NULL,

    CONSTRAINT "workspace_agent_script_timings_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "workspace_agent_log_sources" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "agent_id" UUID NOT NULL,
    "display_name" TEXT NOT NULL,
    "icon" TEXT NOT NULL DEFAULT '',
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "workspace_agent_log_sources_pkey" PRIMARY KEY ("agent_id","id")
);

-- CreateTable
CREATE TABLE "workspace_agent_logs" (
    "id" BIGSERIAL NOT NULL,
    "agent_id" UUID NOT NULL,
    "log_source_id" UUID NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "level" TEXT NOT NULL,
    "output" TEXT NOT NULL,

    CONSTRAINT "workspace_agent_logs_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "workspace_agent_metadata" (
    "agent_id" UUID NOT NULL,
    "key" TEXT NOT NULL,
    "display_name" TEXT NOT NULL,
    "script" TEXT NOT NULL,
    "interval_seconds" BIGINT NOT NULL,
    "timeout_seconds" BIGINT NOT NULL,
    "display_order" INTEGER NOT NULL DEFAULT 0,
    "value" TEXT NOT NULL DEFAULT '',
    "error" TEXT NOT NULL DEFAULT '',
    "collected_at" TIMESTAMPTZ(3),

    CONSTRAINT "workspace_agent_metadata_pkey" PRIMARY KEY ("agent_id","key")
);

-- CreateTable
CREATE TABLE "workspace_apps" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "agent_id" UUID NOT NULL,
    "slug" TEXT NOT NULL,
    "display_name" TEXT NOT NULL,
    "icon" TEXT NOT NULL DEFAULT '',
    "command" TEXT NOT NULL DEFAULT '',
    "url" TEXT NOT NULL DEFAULT '',
    "external" BOOLEAN NOT NULL DEFAULT false,
    "subdomain" BOOLEAN NOT NULL DEFAULT false,
    "sharing_level" TEXT NOT NULL DEFAULT 'owner',
    "healthcheck_url" TEXT NOT NULL DEFAULT '',
    "healthcheck_interval" INTEGER NOT NULL DEFAULT 0,
    "healthcheck_threshold" INTEGER NOT NULL DEFAULT 0,
    "health" TEXT NOT NULL DEFAULT 'disabled',
    "hidden" BOOLEAN NOT NULL DEFAULT false,
    "open_in" TEXT NOT NULL DEFAULT 'slim-window',
    "group" TEXT NOT NULL DEFAULT '',
    "tooltip" TEXT NOT NULL DEFAULT '',
    "display_order" INTEGER NOT NULL DEFAULT 0,

    CONSTRAINT "workspace_apps_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "workspace_agent_stats" (
    "id" BIGSERIAL NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "user_id" UUID NOT NULL,
    "workspace_id" UUID NOT NULL,
    "template_id" UUID NOT NULL,
    "agent_id" UUID NOT NULL,
    "connection_count" BIGINT NOT NULL DEFAULT 0,
    "connection_median_latency_ms" DOUBLE PRECISION NOT NULL DEFAULT 0,
    "rx_bytes" BIGINT NOT NULL DEFAULT 0,
    "tx_bytes" BIGINT NOT NULL DEFAULT 0,
    "session_count_vscode" BIGINT NOT NULL DEFAULT 0,
    "session_count_jetbrains" BIGINT NOT NULL DEFAULT 0,
    "session_count_reconnecting_pty" BIGINT NOT NULL DEFAULT 0,
    "session_count_ssh" BIGINT NOT NULL DEFAULT 0,

    CONSTRAINT "workspace_agent_stats_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "workspace_app_stats" (
    "id" BIGSERIAL NOT NULL,
    "session_id" UUID NOT NULL,
    "user_id" TEXT NOT NULL,
    "workspace_id" UUID NOT NULL,
    "agent_id" UUID NOT NULL,
    "slug_or_port" TEXT NOT NULL,
    "access_method" TEXT NOT NULL,
    "started_at" TIMESTAMPTZ(3) NOT NULL,
    "ended_at" TIMESTAMPTZ(3) NOT NULL,
    "requests" BIGINT NOT NULL,

    CONSTRAINT "workspace_app_stats_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "connection_logs" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "workspace_id" UUID NOT NULL,
    "agent_id" UUID NOT NULL,
    "connection_id" UUID NOT NULL,
    "type" TEXT NOT NULL,
    "connected_at" TIMESTAMPTZ(3) NOT NULL,
    "disconnected_at" TIMESTAMPTZ(3),
    "reason" TEXT NOT NULL DEFAULT '',

    CONSTRAINT "connection_logs_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "workspace_proxies" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "name" TEXT NOT NULL,
    "display_name" TEXT NOT NULL DEFAULT '',
    "icon" TEXT NOT NULL DEFAULT '',
    "url" TEXT NOT NULL DEFAULT '',
    "wildcard_hostname" TEXT NOT NULL DEFAULT '',
    "token_hash" BYTEA NOT NULL,
    "is_primary" BOOLEAN NOT NULL DEFAULT false,
    "deleted" BOOLEAN NOT NULL DEFAULT false,
    "version" TEXT NOT NULL DEFAULT '',
    "last_seen_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "workspace_proxies_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "replicas" (
    "id" UUID NOT NULL,
    "hostname" TEXT NOT NULL,
    "version" TEXT NOT NULL,
    "started_at" TIMESTAMPTZ(3) NOT NULL,
    "beat_at" TIMESTAMPTZ(3) NOT NULL,
    "stopped_at" TIMESTAMPTZ(3),
    "error" TEXT NOT NULL DEFAULT '',

    CONSTRAINT "replicas_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "audit_logs" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "time" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "user_id" UUID,
    "organization_id" UUID,
    "ip" TEXT NOT NULL DEFAULT '',
    "user_agent" TEXT NOT NULL DEFAULT '',
    "resource_type" TEXT NOT NULL,
    "resource_id" UUID NOT NULL,
    "resource_target" TEXT NOT NULL,
    "resource_icon" TEXT NOT NULL DEFAULT '',
    "action" TEXT NOT NULL,
    "diff" JSONB NOT NULL DEFAULT '{}',
    "status_code" INTEGER NOT NULL,
    "additional_fields" JSONB NOT NULL DEFAULT '{}',
    "request_id" UUID NOT NULL,

    CONSTRAINT "audit_logs_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "site_configs" (
    "key" TEXT NOT NULL,
    "value" TEXT NOT NULL,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "site_configs_pkey" PRIMARY KEY ("key")
);

-- CreateTable
CREATE TABLE "crypto_keys" (
    "feature" TEXT NOT NULL,
    "sequence" INTEGER NOT NULL,
    "secret" TEXT NOT NULL,
    "starts_at" TIMESTAMPTZ(3) NOT NULL,
    "deletes_at" TIMESTAMPTZ(3),

    CONSTRAINT "crypto_keys_pkey" PRIMARY KEY ("feature","sequence")
);

-- CreateTable
CREATE TABLE "organizations" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "name" TEXT NOT NULL,
    "display_name" TEXT NOT NULL DEFAULT '',
    "description" TEXT NOT NULL DEFAULT '',
    "icon" TEXT NOT NULL DEFAULT '',
    "is_default" BOOLEAN NOT NULL DEFAULT false,
    "deleted" BOOLEAN NOT NULL DEFAULT false,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "organizations_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "organization_members" (
    "organization_id" UUID NOT NULL,
    "user_id" UUID NOT NULL,
    "roles" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "organization_members_pkey" PRIMARY KEY ("organization_id","user_id")
);

-- CreateTable
CREATE TABLE "groups" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "organization_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "display_name" TEXT NOT NULL DEFAULT '',
    "avatar_url" TEXT NOT NULL DEFAULT '',
    "quota_allowance" INTEGER NOT NULL DEFAULT 0,
    "source" TEXT NOT NULL DEFAULT 'user',
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "groups_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "group_members" (
    "group_id" UUID NOT NULL,
    "user_id" UUID NOT NULL,

    CONSTRAINT "group_members_pkey" PRIMARY KEY ("group_id","user_id")
);

-- CreateTable
CREATE TABLE "custom_roles" (
    "organization_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "display_name" TEXT NOT NULL DEFAULT '',
    "site_permissions" JSONB NOT NULL DEFAULT '[]',
    "org_permissions" JSONB NOT NULL DEFAULT '[]',
    "user_permissions" JSONB NOT NULL DEFAULT '[]',
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "custom_roles_pkey" PRIMARY KEY ("organization_id","name")
);

-- CreateTable
CREATE TABLE "provisioner_jobs" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "organization_id" UUID NOT NULL,
    "initiator_id" UUID NOT NULL,
    "type" "job_type" NOT NULL,
    "provisioner" TEXT NOT NULL,
    "file_id" UUID NOT NULL,
    "input" JSONB NOT NULL,
    "tags" JSONB NOT NULL,
    "queue" TEXT NOT NULL,
    "priority" INTEGER NOT NULL DEFAULT 100,
    "trace_context" JSONB NOT NULL DEFAULT '{}',
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "started_at" TIMESTAMPTZ(3),
    "canceled_at" TIMESTAMPTZ(3),
    "completed_at" TIMESTAMPTZ(3),
    "error" TEXT,
    "error_code" TEXT,
    "worker_id" UUID,
    "attempt" INTEGER NOT NULL DEFAULT 0,
    "update_sequence" BIGINT NOT NULL DEFAULT 0,
    "logs_length" INTEGER NOT NULL DEFAULT 0,
    "logs_overflowed" BOOLEAN NOT NULL DEFAULT false,

    CONSTRAINT "provisioner_jobs_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "provisioner_job_logs" (
    "id" BIGSERIAL NOT NULL,
    "job_id" UUID NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "source" TEXT NOT NULL,
    "level" TEXT NOT NULL,
    "stage" TEXT NOT NULL,
    "output" TEXT NOT NULL,

    CONSTRAINT "provisioner_job_logs_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "provisioner_job_timings" (
    "id" BIGSERIAL NOT NULL,
    "job_id" UUID NOT NULL,
    "started_at" TIMESTAMPTZ(3) NOT NULL,
    "ended_at" TIMESTAMPTZ(3) NOT NULL,
    "stage" TEXT NOT NULL,
    "source" TEXT NOT NULL,
    "action" TEXT NOT NULL,
    "resource" TEXT NOT NULL,

    CONSTRAINT "provisioner_job_timings_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "provisioner_daemons" (
    "id" UUID NOT NULL,
    "organization_id" UUID NOT NULL,
    "key_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "version" TEXT NOT NULL DEFAULT '',
    "api_version" TEXT NOT NULL DEFAULT '',
    "provisioners" TEXT[],
    "tags" JSONB NOT NULL,
    "slots" INTEGER NOT NULL DEFAULT 1,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "last_seen_at" TIMESTAMPTZ(3),
    "left_at" TIMESTAMPTZ(3),

    CONSTRAINT "provisioner_daemons_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "provisioner_keys" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "organization_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "secret_hash" BYTEA NOT NULL,
    "tags" JSONB NOT NULL DEFAULT '{}',
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "provisioner_keys_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "files" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "hash" TEXT NOT NULL,
    "mimetype" TEXT NOT NULL,
    "data" BYTEA NOT NULL,
    "created_by" UUID NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "files_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "templates" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "organization_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "display_name" TEXT NOT NULL DEFAULT '',
    "description" TEXT NOT NULL DEFAULT '',
    "icon" TEXT NOT NULL DEFAULT '',
    "provisioner" TEXT NOT NULL,
    "active_version_id" UUID NOT NULL,
    "created_by" UUID NOT NULL,
    "deleted" BOOLEAN NOT NULL DEFAULT false,
    "deprecation_message" TEXT NOT NULL DEFAULT '',
    "default_ttl_ms" BIGINT NOT NULL DEFAULT 0,
    "activity_bump_ms" BIGINT NOT NULL DEFAULT 3600000,
    "autostop_requirement_days" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "autostop_requirement_weeks" INTEGER NOT NULL DEFAULT 1,
    "autostart_requirement_days" TEXT[] DEFAULT ARRAY['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday']::TEXT[],
    "failure_ttl_ms" BIGINT NOT NULL DEFAULT 0,
    "time_til_dormant_ms" BIGINT NOT NULL DEFAULT 0,
    "time_til_dormant_autodelete_ms" BIGINT NOT NULL DEFAULT 0,
    "allow_user_cancel_workspace_jobs" BOOLEAN NOT NULL DEFAULT true,
    "allow_user_autostart" BOOLEAN NOT NULL DEFAULT true,
    "allow_user_autostop" BOOLEAN NOT NULL DEFAULT true,
    "require_active_version" BOOLEAN NOT NULL DEFAULT false,
    "max_port_share_level" TEXT NOT NULL DEFAULT 'public',
    "use_classic_parameter_flow" BOOLEAN NOT NULL DEFAULT false,
    "cors_behavior" TEXT NOT NULL DEFAULT 'simple',
    "user_acl" JSONB NOT NULL DEFAULT '{}',
    "group_acl" JSONB NOT NULL DEFAULT '{}',
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "templates_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "template_versions" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "template_id" UUID,
    "organization_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "message" TEXT NOT NULL DEFAULT '',
    "readme" TEXT NOT NULL DEFAULT '',
    "job_id" UUID NOT NULL,
    "created_by" UUID NOT NULL,
    "archived" BOOLEAN NOT NULL DEFAULT false,
    "external_auth_providers" JSONB NOT NULL DEFAULT '[]',
    "graph" TEXT NOT NULL DEFAULT '',
    "provider_lock" BYTEA,
    "skip_init" BOOLEAN NOT NULL DEFAULT false,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "template_versions_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "template_version_parameters" (
    "template_version_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "display_name" TEXT NOT NULL DEFAULT '',
    "description" TEXT NOT NULL DEFAULT '',
    "type" TEXT NOT NULL,
    "form_type" TEXT NOT NULL DEFAULT '',
    "styling" TEXT NOT NULL DEFAULT '',
    "mutable" BOOLEAN NOT NULL DEFAULT false,
    "ephemeral" BOOLEAN NOT NULL DEFAULT false,
    "required" BOOLEAN NOT NULL DEFAULT true,
    "default_value" TEXT NOT NULL DEFAULT '',
    "icon" TEXT NOT NULL DEFAULT '',
    "display_order" INTEGER NOT NULL DEFAULT 0,
    "options" JSONB NOT NULL DEFAULT '[]',
    "validation_regex" TEXT NOT NULL DEFAULT '',
    "validation_error" TEXT NOT NULL DEFAULT '',
    "validation_min" INTEGER,
    "validation_max" INTEGER,
    "validation_monotonic" TEXT NOT NULL DEFAULT '',

    CONSTRAINT "template_version_parameters_pkey" PRIMARY KEY ("template_version_id","name")
);

-- CreateTable
CREATE TABLE "template_version_variables" (
    "template_version_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "description" TEXT NOT NULL DEFAULT '',
    "type" TEXT NOT NULL DEFAULT '',
    "value" TEXT NOT NULL DEFAULT '',
    "default_value" TEXT NOT NULL DEFAULT '',
    "required" BOOLEAN NOT NULL DEFAULT false,
    "sensitive" BOOLEAN NOT NULL DEFAULT false,

    CONSTRAINT "template_version_variables_pkey" PRIMARY KEY ("template_version_id","name")
);

-- CreateTable
CREATE TABLE "template_version_presets" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "template_version_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "description" TEXT NOT NULL DEFAULT '',
    "icon" TEXT NOT NULL DEFAULT '',
    "is_default" BOOLEAN NOT NULL DEFAULT false,
    "parameters" JSONB NOT NULL DEFAULT '{}',
    "prebuild_instances" INTEGER NOT NULL DEFAULT 0,
    "prebuild_ttl_seconds" BIGINT NOT NULL DEFAULT 0,

    CONSTRAINT "template_version_presets_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "template_version_workspace_tags" (
    "template_version_id" UUID NOT NULL,
    "key" TEXT NOT NULL,
    "value" TEXT NOT NULL,

    CONSTRAINT "template_version_workspace_tags_pkey" PRIMARY KEY ("template_version_id","key")
);

-- CreateTable
CREATE TABLE "users" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "email" TEXT NOT NULL,
    "username" TEXT NOT NULL,
    "name" TEXT NOT NULL DEFAULT '',
    "avatar_url" TEXT NOT NULL DEFAULT '',
    "password_hash" TEXT NOT NULL DEFAULT '',
    "status" "user_status" NOT NULL DEFAULT 'dormant',
    "login_type" "login_type" NOT NULL DEFAULT 'password',
    "roles" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "is_system" BOOLEAN NOT NULL DEFAULT false,
    "deleted" BOOLEAN NOT NULL DEFAULT false,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "last_seen_at" TIMESTAMPTZ(3) NOT NULL DEFAULT '0001-01-01 00:00:00+00',
    "quiet_hours" TEXT,

    CONSTRAINT "users_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "api_keys" (
    "id" TEXT NOT NULL,
    "user_id" UUID NOT NULL,
    "secret_hash" BYTEA NOT NULL,
    "login_type" "login_type" NOT NULL,
    "scopes" TEXT[] DEFAULT ARRAY['all']::TEXT[],
    "token_name" TEXT NOT NULL DEFAULT '',
    "lifetime_seconds" BIGINT NOT NULL,
    "ip_address" TEXT NOT NULL DEFAULT '',
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "last_used" TIMESTAMPTZ(3) NOT NULL DEFAULT '0001-01-01 00:00:00+00',
    "expires_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "api_keys_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "git_ssh_keys" (
    "user_id" UUID NOT NULL,
    "private_key" TEXT NOT NULL,
    "public_key" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "git_ssh_keys_pkey" PRIMARY KEY ("user_id")
);

-- CreateTable
CREATE TABLE "user_configs" (
    "user_id" UUID NOT NULL,
    "key" TEXT NOT NULL,
    "value" TEXT NOT NULL,

    CONSTRAINT "user_configs_pkey" PRIMARY KEY ("user_id","key")
);

-- CreateTable
CREATE TABLE "user_links" (
    "user_id" UUID NOT NULL,
    "login_type" "login_type" NOT NULL,
    "linked_id" TEXT NOT NULL,
    "oauth_access_token" TEXT NOT NULL DEFAULT '',
    "oauth_refresh_token" TEXT NOT NULL DEFAULT '',
    "oauth_expiry" TIMESTAMPTZ(3),
    "claims" JSONB NOT NULL DEFAULT '{}',

    CONSTRAINT "user_links_pkey" PRIMARY KEY ("user_id","login_type")
);

-- CreateTable
CREATE TABLE "external_auth_links" (
    "provider_id" TEXT NOT NULL,
    "user_id" UUID NOT NULL,
    "oauth_access_token" TEXT NOT NULL,
    "oauth_refresh_token" TEXT NOT NULL DEFAULT '',
    "oauth_expiry" TIMESTAMPTZ(3),
    "oauth_extra" JSONB,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "external_auth_links_pkey" PRIMARY KEY ("provider_id","user_id")
);

-- CreateTable
CREATE TABLE "inbox_notifications" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "user_id" UUID NOT NULL,
    "template_id" UUID NOT NULL,
    "targets" UUID[],
    "title" TEXT NOT NULL,
    "content" TEXT NOT NULL,
    "icon" TEXT NOT NULL DEFAULT '',
    "actions" JSONB NOT NULL DEFAULT '[]',
    "read_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "inbox_notifications_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "workspaces" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "owner_id" UUID NOT NULL,
    "organization_id" UUID NOT NULL,
    "template_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "deleted" BOOLEAN NOT NULL DEFAULT false,
    "autostart_schedule" TEXT,
    "ttl_ms" BIGINT,
    "next_start_at" TIMESTAMPTZ(3),
    "last_used_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "dormant_at" TIMESTAMPTZ(3),
    "deleting_at" TIMESTAMPTZ(3),
    "automatic_updates" TEXT NOT NULL DEFAULT 'never',
    "latest_build_id" UUID,
    "user_acl" JSONB NOT NULL DEFAULT '{}',
    "group_acl" JSONB NOT NULL DEFAULT '{}',
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "workspaces_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "workspace_favorites" (
    "user_id" UUID NOT NULL,
    "workspace_id" UUID NOT NULL,

    CONSTRAINT "workspace_favorites_pkey" PRIMARY KEY ("user_id","workspace_id")
);

-- CreateTable
CREATE TABLE "workspace_builds" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "workspace_id" UUID NOT NULL,
    "build_number" INTEGER NOT NULL,
    "transition" "build_transition" NOT NULL,
    "template_version_id" UUID NOT NULL,
    "job_id" UUID NOT NULL,
    "initiator_id" UUID NOT NULL,
    "reason" TEXT NOT NULL DEFAULT 'initiator',
    "preset_id" UUID,
    "log_level" TEXT NOT NULL DEFAULT '',
    "daily_cost" INTEGER NOT NULL DEFAULT 0,
    "deadline" TIMESTAMPTZ(3),
    "max_deadline" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "workspace_builds_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "workspace_build_states" (
    "build_id" UUID NOT NULL,
    "state" BYTEA NOT NULL,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "workspace_build_states_pkey" PRIMARY KEY ("build_id")
);

-- CreateTable
CREATE TABLE "workspace_build_parameters" (
    "build_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "value" TEXT NOT NULL,

    CONSTRAINT "workspace_build_parameters_pkey" PRIMARY KEY ("build_id","name")
);

-- CreateTable
CREATE TABLE "workspace_resources" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "job_id" UUID NOT NULL,
    "transition" "build_transition" NOT NULL,
    "type" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "address" TEXT NOT NULL DEFAULT '',
    "module_path" TEXT NOT NULL DEFAULT '',
    "hide" BOOLEAN NOT NULL DEFAULT false,
    "icon" TEXT NOT NULL DEFAULT '',
    "instance_type" TEXT NOT NULL DEFAULT '',
    "daily_cost" INTEGER NOT NULL DEFAULT 0,
    "metadata" JSONB NOT NULL DEFAULT '[]',
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "workspace_resources_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "workspace_port_shares" (
    "workspace_id" UUID NOT NULL,
    "agent_name" TEXT NOT NULL,
    "port" INTEGER NOT NULL,
    "share_level" TEXT NOT NULL,
    "protocol" TEXT NOT NULL DEFAULT 'http',

    CONSTRAINT "workspace_port_shares_pkey" PRIMARY KEY ("workspace_id","agent_name","port")
);

-- CreateIndex
CREATE INDEX "workspace_agents_resource_id_idx" ON "workspace_agents"("resource_id");

-- CreateIndex
CREATE INDEX "workspace_agents_workspace_id_idx" ON "workspace_agents"("workspace_id");

-- CreateIndex
CREATE INDEX "workspace_agents_token_hash_idx" ON "workspace_agents"("token_hash");

-- CreateIndex
CREATE INDEX "workspace_agents_instance_id_idx" ON "workspace_agents"("instance_id");

-- CreateIndex
CREATE INDEX "workspace_agent_scripts_agent_id_idx" ON "workspace_agent_scripts"("agent_id");

-- CreateIndex
CREATE INDEX "workspace_agent_script_timings_script_id_idx" ON "workspace_agent_script_timings"("script_id");

-- CreateIndex
CREATE INDEX "workspace_agent_logs_agent_id_id_idx" ON "workspace_agent_logs"("agent_id", "id");

-- CreateIndex
CREATE UNIQUE INDEX "workspace_apps_agent_id_slug_key" ON "workspace_apps"("agent_id", "slug");

-- CreateIndex
CREATE INDEX "workspace_agent_stats_created_at_idx" ON "workspace_agent_stats"("created_at");

-- CreateIndex
CREATE INDEX "workspace_agent_stats_agent_id_created_at_idx" ON "workspace_agent_stats"("agent_id", "created_at");

-- CreateIndex
CREATE UNIQUE INDEX "workspace_app_stats_session_id_key" ON "workspace_app_stats"("session_id");

-- CreateIndex
CREATE INDEX "workspace_app_stats_workspace_id_started_at_idx" ON "workspace_app_stats"("workspace_id", "started_at");

-- CreateIndex
CREATE UNIQUE INDEX "connection_logs_connection_id_key" ON "connection_logs"("connection_id");

-- CreateIndex
CREATE INDEX "connection_logs_workspace_id_connected_at_idx" ON "connection_logs"("workspace_id", "connected_at");

-- CreateIndex
CREATE INDEX "workspace_proxies_token_hash_idx" ON "workspace_proxies"("token_hash");

-- CreateIndex
CREATE INDEX "audit_logs_time_idx" ON "audit_logs"("time" DESC);

-- CreateIndex
CREATE INDEX "audit_logs_resource_id_time_idx" ON "audit_logs"("resource_id", "time");

-- CreateIndex
CREATE INDEX "audit_logs_user_id_time_idx" ON "audit_logs"("user_id", "time");

-- CreateIndex
CREATE INDEX "organization_members_user_id_idx" ON "organization_members"("user_id");

-- CreateIndex
CREATE UNIQUE INDEX "groups_organization_id_name_key" ON "groups"("organization_id", "name");

-- CreateIndex
CREATE INDEX "group_members_user_id_idx" ON "group_members"("user_id");

-- CreateIndex
CREATE INDEX "provisioner_jobs_organization_id_created_at_idx" ON "provisioner_jobs"("organization_id", "created_at");

-- CreateIndex
CREATE INDEX "provisioner_jobs_worker_id_idx" ON "provisioner_jobs"("worker_id");

-- CreateIndex
CREATE INDEX "provisioner_job_logs_job_id_id_idx" ON "provisioner_job_logs"("job_id", "id");

-- CreateIndex
CREATE INDEX "provisioner_job_timings_job_id_idx" ON "provisioner_job_timings"("job_id");

-- CreateIndex
CREATE INDEX "provisioner_daemons_organization_id_name_idx" ON "provisioner_daemons"("organization_id", "name");

-- CreateIndex
CREATE UNIQUE INDEX "provisioner_keys_secret_hash_key" ON "provisioner_keys"("secret_hash");

-- CreateIndex
CREATE UNIQUE INDEX "provisioner_keys_organization_id_name_key" ON "provisioner_keys"("organization_id", "name");

-- CreateIndex
CREATE UNIQUE INDEX "files_hash_created_by_key" ON "files"("hash", "created_by");

-- CreateIndex
CREATE INDEX "templates_organization_id_idx" ON "templates"("organization_id");

-- CreateIndex
CREATE UNIQUE INDEX "template_versions_job_id_key" ON "template_versions"("job_id");

-- CreateIndex
CREATE INDEX "template_versions_organization_id_created_at_idx" ON "template_versions"("organization_id", "created_at");

-- CreateIndex
CREATE UNIQUE INDEX "template_versions_template_id_name_key" ON "template_versions"("template_id", "name");

-- CreateIndex
CREATE UNIQUE INDEX "template_version_presets_template_version_id_name_key" ON "template_version_presets"("template_version_id", "name");

-- CreateIndex
CREATE INDEX "users_last_seen_at_idx" ON "users"("last_seen_at");

-- CreateIndex
CREATE INDEX "api_keys_user_id_idx" ON "api_keys"("user_id");

-- CreateIndex
CREATE INDEX "api_keys_expires_at_idx" ON "api_keys"("expires_at");

-- CreateIndex
CREATE INDEX "user_links_linked_id_idx" ON "user_links"("linked_id");

-- CreateIndex
CREATE INDEX "inbox_notifications_user_id_created_at_idx" ON "inbox_notifications"("user_id", "created_at");

-- CreateIndex
CREATE UNIQUE INDEX "workspaces_latest_build_id_key" ON "workspaces"("latest_build_id");

-- CreateIndex
CREATE INDEX "workspaces_owner_id_deleted_idx" ON "workspaces"("owner_id", "deleted");

-- CreateIndex
CREATE INDEX "workspaces_template_id_deleted_idx" ON "workspaces"("template_id", "deleted");

-- CreateIndex
CREATE INDEX "workspaces_deleted_last_used_at_idx" ON "workspaces"("deleted", "last_used_at");

-- CreateIndex
CREATE INDEX "workspaces_next_start_at_idx" ON "workspaces"("next_start_at");

-- CreateIndex
CREATE UNIQUE INDEX "workspace_builds_job_id_key" ON "workspace_builds"("job_id");

-- CreateIndex
CREATE INDEX "workspace_builds_template_version_id_idx" ON "workspace_builds"("template_version_id");

-- CreateIndex
CREATE UNIQUE INDEX "workspace_builds_workspace_id_build_number_key" ON "workspace_builds"("workspace_id", "build_number");

-- CreateIndex
CREATE INDEX "workspace_build_parameters_name_value_idx" ON "workspace_build_parameters"("name", "value");

-- CreateIndex
CREATE INDEX "workspace_resources_job_id_idx" ON "workspace_resources"("job_id");

-- AddForeignKey
ALTER TABLE "workspace_agents" ADD CONSTRAINT "workspace_agents_resource_id_fkey" FOREIGN KEY ("resource_id") REFERENCES "workspace_resources"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "workspace_agents" ADD CONSTRAINT "workspace_agents_workspace_id_fkey" FOREIGN KEY ("workspace_id") REFERENCES "workspaces"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "workspace_agent_scripts" ADD CONSTRAINT "workspace_agent_scripts_agent_id_fkey" FOREIGN KEY ("agent_id") REFERENCES "workspace_agents"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "workspace_agent_script_timings" ADD CONSTRAINT "workspace_agent_script_timings_script_id_fkey" FOREIGN KEY ("script_id") REFERENCES "workspace_agent_scripts"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "workspace_agent_log_sources" ADD CONSTRAINT "workspace_agent_log_sources_agent_id_fkey" FOREIGN KEY ("agent_id") REFERENCES "workspace_agents"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "workspace_agent_logs" ADD CONSTRAINT "workspace_agent_logs_agent_id_fkey" FOREIGN KEY ("agent_id") REFERENCES "workspace_agents"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "workspace_agent_metadata" ADD CONSTRAINT "workspace_agent_metadata_agent_id_fkey" FOREIGN KEY ("agent_id") REFERENCES "workspace_agents"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "workspace_apps" ADD CONSTRAINT "workspace_apps_agent_id_fkey" FOREIGN KEY ("agent_id") REFERENCES "workspace_agents"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "organization_members" ADD CONSTRAINT "organization_members_organization_id_fkey" FOREIGN KEY ("organization_id") REFERENCES "organizations"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "organization_members" ADD CONSTRAINT "organization_members_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "groups" ADD CONSTRAINT "groups_organization_id_fkey" FOREIGN KEY ("organization_id") REFERENCES "organizations"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "group_members" ADD CONSTRAINT "group_members_group_id_fkey" FOREIGN KEY ("group_id") REFERENCES "groups"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "group_members" ADD CONSTRAINT "group_members_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "custom_roles" ADD CONSTRAINT "custom_roles_organization_id_fkey" FOREIGN KEY ("organization_id") REFERENCES "organizations"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "provisioner_jobs" ADD CONSTRAINT "provisioner_jobs_organization_id_fkey" FOREIGN KEY ("organization_id") REFERENCES "organizations"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "provisioner_jobs" ADD CONSTRAINT "provisioner_jobs_initiator_id_fkey" FOREIGN KEY ("initiator_id") REFERENCES "users"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "provisioner_job_logs" ADD CONSTRAINT "provisioner_job_logs_job_id_fkey" FOREIGN KEY ("job_id") REFERENCES "provisioner_jobs"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "provisioner_job_timings" ADD CONSTRAINT "provisioner_job_timings_job_id_fkey" FOREIGN KEY ("job_id") REFERENCES "provisioner_jobs"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "provisioner_daemons" ADD CONSTRAINT "provisioner_daemons_organization_id_fkey" FOREIGN KEY ("organization_id") REFERENCES "organizations"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "provisioner_keys" ADD CONSTRAINT "provisioner_keys_organization_id_fkey" FOREIGN KEY ("organization_id") REFERENCES "organizations"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "files" ADD CONSTRAINT "files_created_by_fkey" FOREIGN KEY ("created_by") REFERENCES "users"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "templates" ADD CONSTRAINT "templates_organization_id_fkey" FOREIGN KEY ("organization_id") REFERENCES "organizations"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "templates" ADD CONSTRAINT "templates_created_by_fkey" FOREIGN KEY ("created_by") REFERENCES "users"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "template_versions" ADD CONSTRAINT "template_versions_template_id_fkey" FOREIGN KEY ("template_id") REFERENCES "templates"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "template_versions" ADD CONSTRAINT "template_versions_organization_id_fkey" FOREIGN KEY ("organization_id") REFERENCES "organizations"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "template_versions" ADD CONSTRAINT "template_versions_created_by_fkey" FOREIGN KEY ("created_by") REFERENCES "users"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "template_versions" ADD CONSTRAINT "template_versions_job_id_fkey" FOREIGN KEY ("job_id") REFERENCES "provisioner_jobs"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "template_version_parameters" ADD CONSTRAINT "template_version_parameters_template_version_id_fkey" FOREIGN KEY ("template_version_id") REFERENCES "template_versions"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "template_version_variables" ADD CONSTRAINT "template_version_variables_template_version_id_fkey" FOREIGN KEY ("template_version_id") REFERENCES "template_versions"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "template_version_presets" ADD CONSTRAINT "template_version_presets_template_version_id_fkey" FOREIGN KEY ("template_version_id") REFERENCES "template_versions"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "template_version_workspace_tags" ADD CONSTRAINT "template_version_workspace_tags_template_version_id_fkey" FOREIGN KEY ("template_version_id") REFERENCES "template_versions"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "api_keys" ADD CONSTRAINT "api_keys_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "git_ssh_keys" ADD CONSTRAINT "git_ssh_keys_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "user_configs" ADD CONSTRAINT "user_configs_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "user_links" ADD CONSTRAINT "user_links_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "external_auth_links" ADD CONSTRAINT "external_auth_links_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "inbox_notifications" ADD CONSTRAINT "inbox_notifications_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "workspaces" ADD CONSTRAINT "workspaces_owner_id_fkey" FOREIGN KEY ("owner_id") REFERENCES "users"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "workspaces" ADD CONSTRAINT "workspaces_organization_id_fkey" FOREIGN KEY ("organization_id") REFERENCES "organizations"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "workspaces" ADD CONSTRAINT "workspaces_template_id_fkey" FOREIGN KEY ("template_id") REFERENCES "templates"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "workspaces" ADD CONSTRAINT "workspaces_latest_build_id_fkey" FOREIGN KEY ("latest_build_id") REFERENCES "workspace_builds"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "workspace_favorites" ADD CONSTRAINT "workspace_favorites_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "workspace_favorites" ADD CONSTRAINT "workspace_favorites_workspace_id_fkey" FOREIGN KEY ("workspace_id") REFERENCES "workspaces"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "workspace_builds" ADD CONSTRAINT "workspace_builds_workspace_id_fkey" FOREIGN KEY ("workspace_id") REFERENCES "workspaces"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "workspace_builds" ADD CONSTRAINT "workspace_builds_template_version_id_fkey" FOREIGN KEY ("template_version_id") REFERENCES "template_versions"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "workspace_builds" ADD CONSTRAINT "workspace_builds_job_id_fkey" FOREIGN KEY ("job_id") REFERENCES "provisioner_jobs"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "workspace_builds" ADD CONSTRAINT "workspace_builds_initiator_id_fkey" FOREIGN KEY ("initiator_id") REFERENCES "users"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "workspace_builds" ADD CONSTRAINT "workspace_builds_preset_id_fkey" FOREIGN KEY ("preset_id") REFERENCES "template_version_presets"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "workspace_build_states" ADD CONSTRAINT "workspace_build_states_build_id_fkey" FOREIGN KEY ("build_id") REFERENCES "workspace_builds"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "workspace_build_parameters" ADD CONSTRAINT "workspace_build_parameters_build_id_fkey" FOREIGN KEY ("build_id") REFERENCES "workspace_builds"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "workspace_resources" ADD CONSTRAINT "workspace_resources_job_id_fkey" FOREIGN KEY ("job_id") REFERENCES "provisioner_jobs"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "workspace_port_shares" ADD CONSTRAINT "workspace_port_shares_workspace_id_fkey" FOREIGN KEY ("workspace_id") REFERENCES "workspaces"("id") ON DELETE CASCADE ON UPDATE CASCADE;



-- What Prisma's schema cannot say: names are unique without regard to case among rows that are not deleted.
CREATE UNIQUE INDEX "users_username_key" ON "users" (lower("username")) WHERE NOT "deleted";
CREATE UNIQUE INDEX "users_email_key" ON "users" (lower("email")) WHERE NOT "deleted" AND "email" <> '';
CREATE UNIQUE INDEX "organizations_name_key" ON "organizations" (lower("name")) WHERE NOT "deleted";
CREATE UNIQUE INDEX "organizations_default_key" ON "organizations" ("is_default") WHERE "is_default";
CREATE UNIQUE INDEX "templates_name_key" ON "templates" ("organization_id", lower("name")) WHERE NOT "deleted";
CREATE UNIQUE INDEX "workspaces_name_key" ON "workspaces" ("owner_id", lower("name")) WHERE NOT "deleted";
CREATE UNIQUE INDEX "workspace_proxies_name_key" ON "workspace_proxies" (lower("name")) WHERE NOT "deleted";

-- The two questions that are asked of jobs all the time: what waits, and what has not been heard of.
CREATE INDEX "provisioner_jobs_pending_idx" ON "provisioner_jobs" ("queue", "priority", "created_at")
  WHERE "started_at" IS NULL AND "completed_at" IS NULL;
CREATE INDEX "provisioner_jobs_running_idx" ON "provisioner_jobs" ("updated_at")
  WHERE "started_at" IS NOT NULL AND "completed_at" IS NULL;
