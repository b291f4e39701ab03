-- Modules and providers that imports installed, stored once by the hash of their bytes.
CREATE TABLE "archives" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "sha256" TEXT,
    "size" BIGINT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "used_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "archives_pkey" PRIMARY KEY ("id")
);
CREATE UNIQUE INDEX "archives_sha256_key" ON "archives"("sha256");

CREATE TABLE "archive_chunks" (
    "archive_id" UUID NOT NULL,
    "position" INTEGER NOT NULL,
    "data" BYTEA NOT NULL,

    CONSTRAINT "archive_chunks_pkey" PRIMARY KEY ("archive_id", "position")
);
-- The bytes are compressed: do not try it again.
ALTER TABLE "archive_chunks" ALTER COLUMN "data" SET STORAGE EXTERNAL;
ALTER TABLE "archive_chunks" ADD CONSTRAINT "archive_chunks_archive_id_fkey" FOREIGN KEY ("archive_id") REFERENCES "archives"("id") ON DELETE CASCADE ON UPDATE CASCADE;

CREATE TABLE "archive_holders" (
    "archive_id" UUID NOT NULL,
    "organization_id" UUID NOT NULL,

    CONSTRAINT "archive_holders_pkey" PRIMARY KEY ("archive_id", "organization_id")
);
ALTER TABLE "archive_holders" ADD CONSTRAINT "archive_holders_archive_id_fkey" FOREIGN KEY ("archive_id") REFERENCES "archives"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "archive_holders" ADD CONSTRAINT "archive_holders_organization_id_fkey" FOREIGN KEY ("organization_id") REFERENCES "organizations"("id") ON DELETE CASCADE ON UPDATE CASCADE;

CREATE TABLE "template_version_archives" (
    "template_version_id" UUID NOT NULL,
    "sha256" TEXT NOT NULL,

    CONSTRAINT "template_version_archives_pkey" PRIMARY KEY ("template_version_id", "sha256")
);
CREATE INDEX "template_version_archives_sha256_idx" ON "template_version_archives"("sha256");
ALTER TABLE "template_version_archives" ADD CONSTRAINT "template_version_archives_template_version_id_fkey" FOREIGN KEY ("template_version_id") REFERENCES "template_versions"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- What init installed, in the contract's JSON form; null if builds have to run init.
ALTER TABLE "template_versions" ADD COLUMN "installation" JSONB;
