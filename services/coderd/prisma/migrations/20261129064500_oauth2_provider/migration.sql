-- AlterTable
ALTER TABLE "api_keys" ADD COLUMN "oauth2_grant_id" UUID;

-- CreateTable
CREATE TABLE "oauth2_provider_apps" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "name" TEXT NOT NULL,
    "icon" TEXT NOT NULL DEFAULT '',
    "redirect_uris" TEXT[],
    "scope" TEXT NOT NULL DEFAULT '',
    "auth_method" TEXT NOT NULL DEFAULT 'client_secret_basic',
    "registration_hash" BYTEA,
    "metadata" JSONB NOT NULL DEFAULT '{}',
    "authorized_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "oauth2_provider_apps_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "oauth2_provider_app_secrets" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "app_id" UUID NOT NULL,
    "secret_hash" BYTEA NOT NULL,
    "hint" TEXT NOT NULL,
    "last_used_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "oauth2_provider_app_secrets_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "oauth2_provider_grants" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "app_id" UUID NOT NULL,
    "user_id" UUID NOT NULL,
    "scopes" TEXT[],
    "code_hash" BYTEA NOT NULL,
    "code_expires_at" TIMESTAMPTZ(3) NOT NULL,
    "code_challenge" TEXT NOT NULL,
    "redirect_uri" TEXT NOT NULL,
    "redeemed_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "oauth2_provider_grants_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "oauth2_provider_refresh_tokens" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "grant_id" UUID NOT NULL,
    "token_hash" BYTEA NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "used_at" TIMESTAMPTZ(3),

    CONSTRAINT "oauth2_provider_refresh_tokens_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "api_keys_oauth2_grant_id_idx" ON "api_keys"("oauth2_grant_id");

-- CreateIndex
CREATE INDEX "oauth2_provider_apps_created_at_idx" ON "oauth2_provider_apps"("created_at");

-- CreateIndex
CREATE UNIQUE INDEX "oauth2_provider_app_secrets_secret_hash_key" ON "oauth2_provider_app_secrets"("secret_hash");

-- CreateIndex
CREATE INDEX "oauth2_provider_app_secrets_app_id_idx" ON "oauth2_provider_app_secrets"("app_id");

-- CreateIndex
CREATE UNIQUE INDEX "oauth2_provider_grants_code_hash_key" ON "oauth2_provider_grants"("code_hash");

-- CreateIndex
CREATE INDEX "oauth2_provider_grants_app_id_idx" ON "oauth2_provider_grants"("app_id");

-- CreateIndex
CREATE INDEX "oauth2_provider_grants_user_id_app_id_idx" ON "oauth2_provider_grants"("user_id", "app_id");

-- CreateIndex
CREATE INDEX "oauth2_provider_grants_expires_at_idx" ON "oauth2_provider_grants"("expires_at");

-- CreateIndex
CREATE UNIQUE INDEX "oauth2_provider_refresh_tokens_token_hash_key" ON "oauth2_provider_refresh_tokens"("token_hash");

-- CreateIndex
CREATE INDEX "oauth2_provider_refresh_tokens_grant_id_idx" ON "oauth2_provider_refresh_tokens"("grant_id");

-- AddForeignKey
ALTER TABLE "api_keys" ADD CONSTRAINT "api_keys_oauth2_grant_id_fkey" FOREIGN KEY ("oauth2_grant_id") REFERENCES "oauth2_provider_grants"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "oauth2_provider_app_secrets" ADD CONSTRAINT "oauth2_provider_app_secrets_app_id_fkey" FOREIGN KEY ("app_id") REFERENCES "oauth2_provider_apps"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "oauth2_provider_grants" ADD CONSTRAINT "oauth2_provider_grants_app_id_fkey" FOREIGN KEY ("app_id") REFERENCES "oauth2_provider_apps"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "oauth2_provider_grants" ADD CONSTRAINT "oauth2_provider_grants_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "oauth2_provider_refresh_tokens" ADD CONSTRAINT "oauth2_provider_refresh_tokens_grant_id_fkey" FOREIGN KEY ("grant_id") REFERENCES "oauth2_provider_grants"("id") ON DELETE CASCADE ON UPDATE CASCADE;
