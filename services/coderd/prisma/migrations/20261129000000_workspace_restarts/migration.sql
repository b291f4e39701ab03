-- CreateTable
CREATE TABLE "workspace_restarts" (
    "stop_build_id" UUID NOT NULL,
    "workspace_id" UUID NOT NULL,
    "initiator_id" UUID NOT NULL,
    "template_version_id" UUID NOT NULL,
    "preset_id" UUID,
    "parameters" JSONB NOT NULL DEFAULT '[]',
    "reason" TEXT NOT NULL DEFAULT 'initiator',
    "log_level" TEXT NOT NULL DEFAULT '',
    "trace_context" JSONB NOT NULL DEFAULT '{}',
    "start_build_id" UUID,
    "error" TEXT NOT NULL DEFAULT '',
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "ended_at" TIMESTAMPTZ(3),

    CONSTRAINT "workspace_restarts_pkey" PRIMARY KEY ("stop_build_id")
);

-- AddForeignKey
ALTER TABLE "workspace_restarts" ADD CONSTRAINT "workspace_restarts_workspace_id_fkey" FOREIGN KEY ("workspace_id") REFERENCES "workspaces"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "workspace_restarts" ADD CONSTRAINT "workspace_restarts_stop_build_id_fkey" FOREIGN KEY ("stop_build_id") REFERENCES "workspace_builds"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "workspace_restarts" ADD CONSTRAINT "workspace_restarts_initiator_id_fkey" FOREIGN KEY ("initiator_id") REFERENCES "users"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "workspace_restarts" ADD CONSTRAINT "workspace_restarts_template_version_id_fkey" FOREIGN KEY ("template_version_id") REFERENCES "template_versions"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- Restarts that are waiting: few, one a workspace at most, and looked through every few seconds.
CREATE UNIQUE INDEX "workspace_restarts_waiting" ON "workspace_restarts" ("workspace_id") WHERE "ended_at" IS NULL;
