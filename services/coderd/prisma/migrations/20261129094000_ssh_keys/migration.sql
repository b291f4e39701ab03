-- Public keys with which SSH clients authenticate to the proxies, and clients that wait for their user in the browser.
CREATE TABLE "user_ssh_keys" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "user_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "public_key" TEXT NOT NULL,
    "fingerprint" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "last_used_at" TIMESTAMPTZ(3),

    CONSTRAINT "user_ssh_keys_pkey" PRIMARY KEY ("id")
);
CREATE UNIQUE INDEX "user_ssh_keys_fingerprint_key" ON "user_ssh_keys"("fingerprint");
CREATE UNIQUE INDEX "user_ssh_keys_user_id_name_key" ON "user_ssh_keys"("user_id", "name");
ALTER TABLE "user_ssh_keys" ADD CONSTRAINT "user_ssh_keys_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;

CREATE TABLE "ssh_sign_ins" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "code" TEXT NOT NULL,
    "username" TEXT NOT NULL,
    "address" TEXT NOT NULL,
    "client" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "key_id" TEXT,

    CONSTRAINT "ssh_sign_ins_pkey" PRIMARY KEY ("id")
);
CREATE UNIQUE INDEX "ssh_sign_ins_code_key" ON "ssh_sign_ins"("code");
CREATE INDEX "ssh_sign_ins_expires_at_idx" ON "ssh_sign_ins"("expires_at");
CREATE INDEX "ssh_sign_ins_key_id_idx" ON "ssh_sign_ins"("key_id");
ALTER TABLE "ssh_sign_ins" ADD CONSTRAINT "ssh_sign_ins_key_id_fkey" FOREIGN KEY ("key_id") REFERENCES "api_keys"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- Connections that were opened with a key end with it.
CREATE TRIGGER access_ssh_key_gone AFTER DELETE ON user_ssh_keys
  FOR EACH ROW EXECUTE FUNCTION access_changed('ssh_key', 'id');

-- Deleted users keep their row; their keys can then be registered by others.
CREATE FUNCTION user_ssh_keys_end() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM user_ssh_keys WHERE user_id = OLD.id;
  RETURN NULL;
END $$;
CREATE TRIGGER user_ssh_keys_end AFTER UPDATE OF deleted ON users
  FOR EACH ROW WHEN (NEW.deleted AND NOT OLD.deleted) EXECUTE FUNCTION user_ssh_keys_end();
