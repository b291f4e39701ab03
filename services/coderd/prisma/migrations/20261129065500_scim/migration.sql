-- What a SCIM client calls a user or group, and what it stores with it. Null where no client has provisioned it.
ALTER TABLE "users"
  ADD COLUMN "scim_user_name" TEXT,
  ADD COLUMN "scim_external_id" TEXT,
  ADD COLUMN "scim_attributes" JSONB,
  ADD COLUMN "scim_deleted_at" TIMESTAMPTZ(3);
ALTER TABLE "groups"
  ADD COLUMN "scim_external_id" TEXT,
  ADD COLUMN "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP;

CREATE UNIQUE INDEX "users_scim_user_name_key" ON "users" (lower("scim_user_name")) WHERE NOT "deleted";
