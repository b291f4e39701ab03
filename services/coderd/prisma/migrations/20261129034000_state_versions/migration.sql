-- AlterTable
ALTER TABLE "workspace_build_states" ADD COLUMN "version" INTEGER NOT NULL DEFAULT 1,
ADD COLUMN "origin" TEXT NOT NULL DEFAULT 'build',
ADD COLUMN "author_id" UUID,
ADD COLUMN "key_id" TEXT;

-- CreateTable
CREATE TABLE "workspace_build_state_versions" (
    "build_id" UUID NOT NULL,
    "version" INTEGER NOT NULL,
    "state" BYTEA NOT NULL,
    "origin" TEXT NOT NULL,
    "author_id" UUID,
    "key_id" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "replaced_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "workspace_build_state_versions_pkey" PRIMARY KEY ("build_id","version")
);

-- AddForeignKey
ALTER TABLE "workspace_build_state_versions" ADD CONSTRAINT "workspace_build_state_versions_build_id_fkey" FOREIGN KEY ("build_id") REFERENCES "workspace_builds"("id") ON DELETE CASCADE ON UPDATE CASCADE;
