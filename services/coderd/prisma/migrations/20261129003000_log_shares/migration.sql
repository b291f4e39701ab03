-- AlterTable
ALTER TABLE "workspace_agent_log_sources" ADD COLUMN     "logs_length" INTEGER NOT NULL DEFAULT 0,
ADD COLUMN     "logs_overflowed" BOOLEAN NOT NULL DEFAULT false;
