-- Whether users start an agent on a machine of their own.
ALTER TABLE "template_versions" ADD COLUMN "has_external_agent" BOOLEAN NOT NULL DEFAULT false;

-- Dev containers of an agent, and the agents inside them.
ALTER TABLE "workspace_agents" ADD COLUMN "parent_id" UUID,
  ADD COLUMN "devcontainers" JSONB NOT NULL DEFAULT '[]';

-- coder_script_order.
ALTER TABLE "workspace_agent_scripts" ADD COLUMN "after" JSONB NOT NULL DEFAULT '[]';

-- Schedules of a preset's prebuilt workspaces.
ALTER TABLE "template_version_presets" ADD COLUMN "prebuild_timezone" TEXT NOT NULL DEFAULT '',
  ADD COLUMN "prebuild_schedules" JSONB NOT NULL DEFAULT '[]';

-- Monitored memory and volumes.
CREATE TABLE "workspace_agent_monitors" (
    "agent_id" UUID NOT NULL,
    "path" TEXT NOT NULL,
    "threshold" INTEGER NOT NULL,
    "state" TEXT NOT NULL DEFAULT 'OK',
    "debounced_until" TIMESTAMPTZ(3),
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "workspace_agent_monitors_pkey" PRIMARY KEY ("agent_id", "path")
);
ALTER TABLE "workspace_agent_monitors" ADD CONSTRAINT "workspace_agent_monitors_agent_id_fkey" FOREIGN KEY ("agent_id") REFERENCES "workspace_agents"("id") ON DELETE CASCADE ON UPDATE CASCADE;
