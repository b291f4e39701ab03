-- AlterTable
ALTER TABLE "api_keys" ADD COLUMN "allow_list" TEXT[] DEFAULT ARRAY[]::TEXT[];

DROP TRIGGER access_key_narrowed ON api_keys;
CREATE TRIGGER access_key_narrowed AFTER UPDATE OF expires_at, scopes, allow_list, secret_hash ON api_keys
  FOR EACH ROW WHEN (NEW.expires_at < OLD.expires_at OR NEW.scopes IS DISTINCT FROM OLD.scopes
    OR NEW.allow_list IS DISTINCT FROM OLD.allow_list OR NEW.secret_hash IS DISTINCT FROM OLD.secret_hash)
  EXECUTE FUNCTION access_changed('key', 'id');
