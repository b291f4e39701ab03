-- AlterTable
ALTER TABLE "workspaces" ADD COLUMN     "schedule_error" TEXT NOT NULL DEFAULT '',
ADD COLUMN     "schedule_failures" INTEGER NOT NULL DEFAULT 0,
ADD COLUMN     "schedule_retry_at" TIMESTAMPTZ(3);

-- AlterTable
ALTER TABLE "workspace_builds" ADD COLUMN     "reminded_of" TIMESTAMPTZ(3);
