-- What decides about access has changed. Each replica reads these every second, and asks again about what it has open.
-- Triggers write them, so that no statement can forget to: not one of another release, nor one by hand.
CREATE TABLE "access_changes" (
    "id" BIGSERIAL NOT NULL,
    "subject" TEXT NOT NULL,
    "transaction" xid8 NOT NULL DEFAULT pg_current_xact_id(),
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "access_changes_pkey" PRIMARY KEY ("id")
);
CREATE INDEX "access_changes_transaction_idx" ON "access_changes"("transaction");
CREATE INDEX "access_changes_at_idx" ON "access_changes"("at");

-- The key that a key was made by and ends with.
ALTER TABLE "api_keys" ADD COLUMN "parent_id" TEXT;
ALTER TABLE "api_keys" ADD CONSTRAINT "api_keys_parent_id_fkey" FOREIGN KEY ("parent_id") REFERENCES "api_keys"("id") ON DELETE CASCADE ON UPDATE CASCADE;
CREATE INDEX "api_keys_parent_id_idx" ON "api_keys"("parent_id");

-- Arguments: the kind of subject, and the column that holds its id.
CREATE FUNCTION access_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO access_changes (subject) VALUES (TG_ARGV[0] || ':' || (to_jsonb(OLD) ->> TG_ARGV[1]));
  RETURN NULL;
END $$;

CREATE TRIGGER access_key_gone AFTER DELETE ON api_keys
  FOR EACH ROW EXECUTE FUNCTION access_changed('key', 'id');
CREATE TRIGGER access_key_narrowed AFTER UPDATE OF expires_at, scopes, secret_hash ON api_keys
  FOR EACH ROW WHEN (NEW.expires_at < OLD.expires_at OR NEW.scopes IS DISTINCT FROM OLD.scopes
    OR NEW.secret_hash IS DISTINCT FROM OLD.secret_hash)
  EXECUTE FUNCTION access_changed('key', 'id');

CREATE TRIGGER access_user_gone AFTER DELETE ON users
  FOR EACH ROW EXECUTE FUNCTION access_changed('user', 'id');
CREATE TRIGGER access_user_changed AFTER UPDATE OF status, roles, deleted ON users
  FOR EACH ROW WHEN ((NEW.status, NEW.roles, NEW.deleted) IS DISTINCT FROM (OLD.status, OLD.roles, OLD.deleted))
  EXECUTE FUNCTION access_changed('user', 'id');
CREATE TRIGGER access_member_gone AFTER DELETE ON organization_members
  FOR EACH ROW EXECUTE FUNCTION access_changed('user', 'user_id');
CREATE TRIGGER access_member_changed AFTER UPDATE OF roles ON organization_members
  FOR EACH ROW WHEN (NEW.roles IS DISTINCT FROM OLD.roles) EXECUTE FUNCTION access_changed('user', 'user_id');
CREATE TRIGGER access_group_member_gone AFTER DELETE ON group_members
  FOR EACH ROW EXECUTE FUNCTION access_changed('user', 'user_id');

CREATE TRIGGER access_workspace_changed AFTER UPDATE OF owner_id, organization_id, deleted, user_acl, group_acl ON workspaces
  FOR EACH ROW WHEN ((NEW.owner_id, NEW.organization_id, NEW.deleted, NEW.user_acl, NEW.group_acl)
    IS DISTINCT FROM (OLD.owner_id, OLD.organization_id, OLD.deleted, OLD.user_acl, OLD.group_acl))
  EXECUTE FUNCTION access_changed('workspace', 'id');
CREATE TRIGGER access_port_share_gone AFTER DELETE ON workspace_port_shares
  FOR EACH ROW EXECUTE FUNCTION access_changed('workspace', 'workspace_id');
CREATE TRIGGER access_port_share_changed AFTER UPDATE OF share_level ON workspace_port_shares
  FOR EACH ROW WHEN (NEW.share_level IS DISTINCT FROM OLD.share_level)
  EXECUTE FUNCTION access_changed('workspace', 'workspace_id');
CREATE TRIGGER access_template_changed AFTER UPDATE OF organization_id, deleted, user_acl, group_acl ON templates
  FOR EACH ROW WHEN ((NEW.organization_id, NEW.deleted, NEW.user_acl, NEW.group_acl)
    IS DISTINCT FROM (OLD.organization_id, OLD.deleted, OLD.user_acl, OLD.group_acl))
  EXECUTE FUNCTION access_changed('template', 'id');

CREATE TRIGGER access_provisioner_key_gone AFTER DELETE ON provisioner_keys
  FOR EACH ROW EXECUTE FUNCTION access_changed('provisioner_key', 'id');
CREATE TRIGGER access_proxy_changed AFTER UPDATE OF token_hash, deleted ON workspace_proxies
  FOR EACH ROW WHEN ((NEW.token_hash, NEW.deleted) IS DISTINCT FROM (OLD.token_hash, OLD.deleted))
  EXECUTE FUNCTION access_changed('proxy', 'id');
CREATE TRIGGER access_proxy_gone AFTER DELETE ON workspace_proxies
  FOR EACH ROW EXECUTE FUNCTION access_changed('proxy', 'id');

-- A template's narrower maximum narrows what its workspaces share.
CREATE FUNCTION access_template_narrowed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO access_changes (subject)
    SELECT DISTINCT 'workspace:' || s.workspace_id FROM workspace_port_shares s
    JOIN workspaces w ON w.id = s.workspace_id WHERE w.template_id = NEW.id;
  RETURN NULL;
END $$;
CREATE TRIGGER access_template_narrowed AFTER UPDATE OF max_port_share_level ON templates
  FOR EACH ROW WHEN (NEW.max_port_share_level IS DISTINCT FROM OLD.max_port_share_level)
  EXECUTE FUNCTION access_template_narrowed();

-- A deleted organization is nobody's any more: not its members', nor its provisioners'.
CREATE FUNCTION access_organization_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO access_changes (subject)
    SELECT 'user:' || user_id FROM organization_members WHERE organization_id = NEW.id
    UNION ALL SELECT 'provisioner_key:' || id FROM provisioner_keys WHERE organization_id = NEW.id;
  RETURN NULL;
END $$;
CREATE TRIGGER access_organization_deleted AFTER UPDATE OF deleted ON organizations
  FOR EACH ROW WHEN (NEW.deleted AND NOT OLD.deleted) EXECUTE FUNCTION access_organization_deleted();
