-- Promotions of a version to a growing share of its template's workspaces. A replica of the former release does not know
-- them: its builds take the template's active version, which a rollout changes only when it finishes.
CREATE TABLE "template_rollouts" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "template_id" UUID NOT NULL,
    "former_version_id" UUID NOT NULL,
    "version_id" UUID NOT NULL,
    "initiator_id" UUID NOT NULL,
    "status" TEXT NOT NULL DEFAULT 'running',
    "reason" TEXT NOT NULL DEFAULT '',
    "steps" INTEGER[],
    "step" INTEGER NOT NULL DEFAULT 0,
    "pause_ms" BIGINT NOT NULL,
    "max_failure_percent" INTEGER NOT NULL,
    "min_samples" INTEGER NOT NULL,
    "step_started_at" TIMESTAMPTZ(3) NOT NULL,
    "counted_from" TIMESTAMPTZ(3) NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "ended_at" TIMESTAMPTZ(3),

    CONSTRAINT "template_rollouts_pkey" PRIMARY KEY ("id")
);
CREATE INDEX "template_rollouts_template_id_created_at_idx" ON "template_rollouts"("template_id", "created_at");
CREATE INDEX "template_rollouts_version_id_created_at_idx" ON "template_rollouts"("version_id", "created_at");
CREATE INDEX "template_rollouts_former_version_id_idx" ON "template_rollouts"("former_version_id");
CREATE INDEX "template_rollouts_initiator_id_idx" ON "template_rollouts"("initiator_id");
-- One at a time; also what each build looks at.
CREATE UNIQUE INDEX "template_rollouts_open" ON "template_rollouts"("template_id") WHERE "ended_at" IS NULL;
ALTER TABLE "template_rollouts" ADD CONSTRAINT "template_rollouts_template_id_fkey" FOREIGN KEY ("template_id") REFERENCES "templates"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "template_rollouts" ADD CONSTRAINT "template_rollouts_former_version_id_fkey" FOREIGN KEY ("former_version_id") REFERENCES "template_versions"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "template_rollouts" ADD CONSTRAINT "template_rollouts_version_id_fkey" FOREIGN KEY ("version_id") REFERENCES "template_versions"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "template_rollouts" ADD CONSTRAINT "template_rollouts_initiator_id_fkey" FOREIGN KEY ("initiator_id") REFERENCES "users"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- Which of the hundred parts of a rollout a workspace belongs to: always the same for a version, so that a growing share
-- keeps its workspaces, and another for each version, so that it is not always the same people who go first.
CREATE FUNCTION rollout_part(version UUID, workspace UUID) RETURNS INTEGER LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT (get_byte(h, 0) * 65536 + get_byte(h, 1) * 256 + get_byte(h, 2)) % 100
  FROM (SELECT sha256(uuid_send(version) || uuid_send(workspace)) AS h) x
$$;
