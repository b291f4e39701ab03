-- True from the claim of a build by a daemon that asks before apply, until it asks.
ALTER TABLE "provisioner_jobs" ADD COLUMN "retry_safe" BOOLEAN NOT NULL DEFAULT false;

-- A replica of the former release answers the question without recording it, but it records the cost.
-- To be dropped one release later.
CREATE FUNCTION apply_may_begin() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE provisioner_jobs SET retry_safe = false WHERE id = NEW.job_id AND retry_safe;
  RETURN NULL;
END $$;
CREATE TRIGGER apply_may_begin AFTER UPDATE OF daily_cost ON workspace_builds
  FOR EACH ROW EXECUTE FUNCTION apply_may_begin();
