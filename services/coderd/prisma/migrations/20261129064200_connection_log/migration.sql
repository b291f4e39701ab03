-- Who connected, from where, and how it ended. Rows of earlier releases have no user.
ALTER TABLE "connection_logs"
    ADD COLUMN "exit_code" INTEGER,
    ADD COLUMN "replica_id" UUID,
    ADD COLUMN "user_id" UUID,
    ADD COLUMN "ip" TEXT NOT NULL DEFAULT '',
    ADD COLUMN "user_agent" TEXT NOT NULL DEFAULT '',
    ADD COLUMN "slug_or_port" TEXT NOT NULL DEFAULT '';
CREATE INDEX "connection_logs_connected_at_idx" ON "connection_logs"("connected_at");
CREATE INDEX "connection_logs_user_id_connected_at_idx" ON "connection_logs"("user_id", "connected_at");
-- Open connections: few, and looked through every minute.
CREATE INDEX "connection_logs_replica_open" ON "connection_logs"("replica_id") WHERE "disconnected_at" IS NULL;

CREATE TABLE "proxy_replicas" (
    "id" UUID NOT NULL,
    "seen_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "proxy_replicas_pkey" PRIMARY KEY ("id")
);
CREATE INDEX "proxy_replicas_seen_at_idx" ON "proxy_replicas"("seen_at");
