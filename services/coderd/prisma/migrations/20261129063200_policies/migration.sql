-- Rules in CEL on what builds may change: their versions, how they judged, and plans to try others on.
-- CreateTable
CREATE TABLE "policies" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "name" TEXT NOT NULL,
    "organization_id" UUID,
    "template_id" UUID,
    "version" INTEGER NOT NULL DEFAULT 1,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "deleted_at" TIMESTAMPTZ(3),

    CONSTRAINT "policies_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "policy_versions" (
    "policy_id" UUID NOT NULL,
    "version" INTEGER NOT NULL,
    "mode" TEXT NOT NULL,
    "transitions" "build_transition"[],
    "expression" TEXT NOT NULL,
    "message" TEXT NOT NULL,
    "message_expression" TEXT NOT NULL DEFAULT '',
    "author_id" UUID,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "policy_versions_pkey" PRIMARY KEY ("policy_id","version")
);

-- CreateTable
CREATE TABLE "policy_results" (
    "job_id" UUID NOT NULL,
    "policy_id" UUID NOT NULL,
    "version" INTEGER NOT NULL,
    "outcome" TEXT NOT NULL,
    "message" TEXT NOT NULL DEFAULT '',
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "policy_results_pkey" PRIMARY KEY ("job_id","policy_id")
);

-- CreateTable
CREATE TABLE "policy_plans" (
    "job_id" UUID NOT NULL,
    "template_id" UUID NOT NULL,
    "content" BYTEA NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "policy_plans_pkey" PRIMARY KEY ("job_id")
);

-- CreateIndex
CREATE INDEX "policies_organization_id_idx" ON "policies"("organization_id");

-- CreateIndex
CREATE INDEX "policies_template_id_idx" ON "policies"("template_id");

-- CreateIndex
CREATE INDEX "policy_versions_author_id_idx" ON "policy_versions"("author_id");

-- CreateIndex
CREATE INDEX "policy_results_policy_id_version_idx" ON "policy_results"("policy_id", "version");

-- CreateIndex
CREATE INDEX "policy_plans_template_id_created_at_idx" ON "policy_plans"("template_id", "created_at");

-- CreateIndex
CREATE INDEX "policy_plans_created_at_idx" ON "policy_plans"("created_at");

-- AddForeignKey
ALTER TABLE "policies" ADD CONSTRAINT "policies_organization_id_fkey" FOREIGN KEY ("organization_id") REFERENCES "organizations"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "policies" ADD CONSTRAINT "policies_template_id_fkey" FOREIGN KEY ("template_id") REFERENCES "templates"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "policy_versions" ADD CONSTRAINT "policy_versions_policy_id_fkey" FOREIGN KEY ("policy_id") REFERENCES "policies"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "policy_versions" ADD CONSTRAINT "policy_versions_author_id_fkey" FOREIGN KEY ("author_id") REFERENCES "users"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "policy_results" ADD CONSTRAINT "policy_results_job_id_fkey" FOREIGN KEY ("job_id") REFERENCES "provisioner_jobs"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "policy_results" ADD CONSTRAINT "policy_results_policy_id_version_fkey" FOREIGN KEY ("policy_id", "version") REFERENCES "policy_versions"("policy_id", "version") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "policy_plans" ADD CONSTRAINT "policy_plans_job_id_fkey" FOREIGN KEY ("job_id") REFERENCES "provisioner_jobs"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "policy_plans" ADD CONSTRAINT "policy_plans_template_id_fkey" FOREIGN KEY ("template_id") REFERENCES "templates"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- One name for each scope.
CREATE UNIQUE INDEX "policies_name" ON "policies"(lower("name"), COALESCE("template_id", "organization_id", '00000000-0000-0000-0000-000000000000')) WHERE "deleted_at" IS NULL;
