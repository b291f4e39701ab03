-- Connections whose end nobody has told: few, and looked through every minute.
CREATE INDEX "connection_logs_open" ON "connection_logs" ("agent_id") WHERE "disconnected_at" IS NULL;
