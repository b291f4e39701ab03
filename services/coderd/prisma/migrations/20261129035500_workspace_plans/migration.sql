-- Plans of builds that nobody has requested yet.
ALTER TYPE "job_type" ADD VALUE 'workspace_plan';

CREATE TABLE "workspace_plans" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "workspace_id" UUID NOT NULL,
    "template_version_id" UUID NOT NULL,
    "initiator_id" UUID NOT NULL,
    "transition" "build_transition" NOT NULL,
    "parameters" JSONB NOT NULL DEFAULT '[]',
    "skip_refresh" BOOLEAN NOT NULL DEFAULT false,
    "survey" BOOLEAN NOT NULL DEFAULT false,
    "job_id" UUID,
    "error" TEXT NOT NULL DEFAULT '',
    "result" JSONB,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "workspace_plans_pkey" PRIMARY KEY ("id")
);
CREATE UNIQUE INDEX "workspace_plans_job_id_key" ON "workspace_plans"("job_id");
CREATE INDEX "workspace_plans_workspace_id_created_at_idx" ON "workspace_plans"("workspace_id", "created_at");
CREATE INDEX "workspace_plans_template_version_id_idx" ON "workspace_plans"("template_version_id");
CREATE INDEX "workspace_plans_created_at_idx" ON "workspace_plans"("created_at");
-- Plans that wait to be queued: few, and looked through every few seconds.
CREATE INDEX "workspace_plans_waiting" ON "workspace_plans"("created_at") WHERE "job_id" IS NULL AND "error" = '';
ALTER TABLE "workspace_plans" ADD CONSTRAINT "workspace_plans_workspace_id_fkey" FOREIGN KEY ("workspace_id") REFERENCES "workspaces"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "workspace_plans" ADD CONSTRAINT "workspace_plans_template_version_id_fkey" FOREIGN KEY ("template_version_id") REFERENCES "template_versions"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "workspace_plans" ADD CONSTRAINT "workspace_plans_job_id_fkey" FOREIGN KEY ("job_id") REFERENCES "provisioner_jobs"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- Who must accept that a build loses data, and whether its initiator did.
ALTER TABLE "templates" ADD COLUMN "data_loss_policy" TEXT NOT NULL DEFAULT 'off';
ALTER TABLE "workspace_builds" ADD COLUMN "accepts_data_loss" BOOLEAN NOT NULL DEFAULT false;
ALTER TABLE "workspace_restarts" ADD COLUMN "accepts_data_loss" BOOLEAN NOT NULL DEFAULT false;
