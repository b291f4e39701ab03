-- What the prebuilds of a preset depend on. Builds are found by their preset, to count failures.
ALTER TABLE "template_version_presets"
  ADD COLUMN "prebuild_status" TEXT NOT NULL DEFAULT 'normal',
  ADD COLUMN "last_invalidated_at" TIMESTAMPTZ(3);

CREATE INDEX "workspace_builds_preset_id_idx" ON "workspace_builds"("preset_id");
