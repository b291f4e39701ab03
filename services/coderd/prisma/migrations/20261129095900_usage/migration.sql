-- Usage by day, from the reports of agents and proxies. Reports of former releases are counted, too.
CREATE TABLE "usage_days" (
    "kind" TEXT NOT NULL,
    "day" DATE NOT NULL,
    "template_id" UUID NOT NULL,
    "user_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "minutes" BIT(1440) NOT NULL,
    "used" INTEGER NOT NULL,
    "uses" INTEGER NOT NULL,

    CONSTRAINT "usage_days_pkey" PRIMARY KEY ("kind", "day", "template_id", "user_id", "name")
) WITH (fillfactor = 80);
CREATE INDEX "usage_days_day_idx" ON "usage_days"("day");

ALTER TABLE "workspace_agent_stats"
  ADD COLUMN "by_client" BOOLEAN NOT NULL DEFAULT false,
  ADD COLUMN "counted" BOOLEAN NOT NULL DEFAULT false;
CREATE INDEX "workspace_agent_stats_uncounted_idx" ON "workspace_agent_stats"("id") WHERE NOT "counted";

ALTER TABLE "workspace_app_stats" ADD COLUMN "counted_until" TIMESTAMPTZ(3);
CREATE INDEX "workspace_app_stats_uncounted_idx" ON "workspace_app_stats"("id")
  WHERE "counted_until" IS NULL OR "counted_until" < "ended_at";
CREATE INDEX "workspace_app_stats_ended_at_idx" ON "workspace_app_stats"("ended_at");

-- Every status that a user had, since when. A trigger writes it, so that no way to change a status is forgotten.
CREATE TABLE "user_status_changes" (
    "id" BIGSERIAL NOT NULL,
    "user_id" UUID NOT NULL,
    "status" TEXT NOT NULL,
    "changed_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "user_status_changes_pkey" PRIMARY KEY ("id")
);
CREATE INDEX "user_status_changes_user_id_changed_at_idx" ON "user_status_changes"("user_id", "changed_at");
ALTER TABLE "user_status_changes" ADD CONSTRAINT "user_status_changes_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;

CREATE FUNCTION record_user_status() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT NEW.is_system THEN
    INSERT INTO user_status_changes (user_id, status, changed_at)
    VALUES (NEW.id, CASE WHEN NEW.deleted THEN 'deleted' ELSE NEW.status::text END, now());
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER user_status_recorded AFTER INSERT ON "users" FOR EACH ROW EXECUTE FUNCTION record_user_status();
CREATE TRIGGER user_status_change_recorded AFTER UPDATE OF status, deleted ON "users" FOR EACH ROW
  WHEN (OLD.status IS DISTINCT FROM NEW.status OR OLD.deleted IS DISTINCT FROM NEW.deleted)
  EXECUTE FUNCTION record_user_status();

INSERT INTO "user_status_changes" ("user_id", "status", "changed_at")
  SELECT id, CASE WHEN deleted THEN 'deleted' ELSE status::text END, created_at FROM "users" WHERE NOT is_system;
