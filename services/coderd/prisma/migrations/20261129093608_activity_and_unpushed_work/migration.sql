-- AlterTable
ALTER TABLE "templates" ADD COLUMN "activity_cpu_percent" INTEGER NOT NULL DEFAULT 20,
ADD COLUMN "activity_kinds" TEXT[] DEFAULT ARRAY['sessions', 'holds']::TEXT[],
ADD COLUMN "activity_max_hold_ms" BIGINT NOT NULL DEFAULT 86400000,
ADD COLUMN "activity_requires_input" BOOLEAN NOT NULL DEFAULT false,
ADD COLUMN "check_unpushed_work" BOOLEAN NOT NULL DEFAULT true,
ADD COLUMN "wake_on" TEXT[] DEFAULT ARRAY['ssh']::TEXT[];

-- AlterTable
ALTER TABLE "workspaces" ADD COLUMN "activity" JSONB NOT NULL DEFAULT '{}';

-- CreateTable
CREATE TABLE "workspace_activity_holds" (
    "build_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "workspace_id" UUID NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "former_deadline" TIMESTAMPTZ(3),

    CONSTRAINT "workspace_activity_holds_pkey" PRIMARY KEY ("build_id","name")
);

-- CreateTable
CREATE TABLE "workspace_unpushed_work" (
    "workspace_id" UUID NOT NULL,
    "agent_name" TEXT NOT NULL,
    "collected_at" TIMESTAMPTZ(3) NOT NULL,
    "complete" BOOLEAN NOT NULL,
    "repositories" JSONB NOT NULL,

    CONSTRAINT "workspace_unpushed_work_pkey" PRIMARY KEY ("workspace_id","agent_name")
);

-- CreateIndex
CREATE INDEX "workspace_activity_holds_workspace_id_expires_at_idx" ON "workspace_activity_holds"("workspace_id", "expires_at");

-- AddForeignKey
ALTER TABLE "workspace_activity_holds" ADD CONSTRAINT "workspace_activity_holds_build_id_fkey" FOREIGN KEY ("build_id") REFERENCES "workspace_builds"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "workspace_activity_holds" ADD CONSTRAINT "workspace_activity_holds_workspace_id_fkey" FOREIGN KEY ("workspace_id") REFERENCES "workspaces"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "workspace_unpushed_work" ADD CONSTRAINT "workspace_unpushed_work_workspace_id_fkey" FOREIGN KEY ("workspace_id") REFERENCES "workspaces"("id") ON DELETE CASCADE ON UPDATE CASCADE;
