-- The table exists since the first release, which never wrote it.
ALTER TABLE "user_links"
  ADD COLUMN "access_token" BYTEA NOT NULL DEFAULT '\x'::bytea,
  ADD COLUMN "refresh_token" BYTEA NOT NULL DEFAULT '\x'::bytea,
  ADD COLUMN "id_token" BYTEA NOT NULL DEFAULT '\x'::bytea,
  ADD COLUMN "refreshing_until" TIMESTAMPTZ(3);

-- One account at a provider belongs to one user.
DROP INDEX "user_links_linked_id_idx";
CREATE UNIQUE INDEX "user_links_login_type_linked_id_key" ON "user_links" ("login_type", "linked_id");

-- A deleted user keeps its row, but neither its tokens nor its claim to the account at the provider.
CREATE FUNCTION forget_user_links() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM user_links WHERE user_id = NEW.id;
  RETURN NULL;
END $$;
CREATE TRIGGER user_links_of_deleted_users AFTER UPDATE OF deleted ON users
  FOR EACH ROW WHEN (NEW.deleted AND NOT OLD.deleted) EXECUTE FUNCTION forget_user_links();
