-- AlterTable
ALTER TABLE "replicas" ADD COLUMN "database_latency_us" INTEGER NOT NULL DEFAULT 0;

-- CreateIndex
CREATE INDEX "replicas_beat_at_idx" ON "replicas"("beat_at");
