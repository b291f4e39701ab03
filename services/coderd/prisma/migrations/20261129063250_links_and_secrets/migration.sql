-- The token moves into one encrypted value. Nothing has written the table so far, and the former release does not use it.
ALTER TABLE "external_auth_links"
  ALTER COLUMN "oauth_access_token" SET DEFAULT '',
  ADD COLUMN "token" BYTEA NOT NULL DEFAULT '',
  ADD COLUMN "expires_at" TIMESTAMPTZ(3),
  ADD COLUMN "refreshing_until" TIMESTAMPTZ(3),
  ADD COLUMN "failure" TEXT NOT NULL DEFAULT '';
CREATE INDEX "external_auth_links_user_id_idx" ON "external_auth_links"("user_id");

-- CreateTable
CREATE TABLE "user_secrets" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "user_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "description" TEXT NOT NULL DEFAULT '',
    "env_name" TEXT NOT NULL DEFAULT '',
    "file_path" TEXT NOT NULL DEFAULT '',
    "enabled" BOOLEAN NOT NULL DEFAULT true,
    "value" BYTEA NOT NULL,
    "value_bytes" INTEGER NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "user_secrets_pkey" PRIMARY KEY ("id")
);
CREATE UNIQUE INDEX "user_secrets_user_id_name_key" ON "user_secrets"("user_id", "name");
CREATE UNIQUE INDEX "user_secrets_user_id_env_name_key" ON "user_secrets"("user_id", "env_name") WHERE "env_name" <> '';
CREATE UNIQUE INDEX "user_secrets_user_id_file_path_key" ON "user_secrets"("user_id", "file_path") WHERE "file_path" <> '';
ALTER TABLE "user_secrets" ADD CONSTRAINT "user_secrets_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;
