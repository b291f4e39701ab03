-- Roles that organizations define, the roles that all members of one have, and who may share workspaces in it.
ALTER TABLE "custom_roles" ADD COLUMN "id" UUID NOT NULL DEFAULT gen_random_uuid();
ALTER TABLE "custom_roles" ADD COLUMN "member_permissions" JSONB NOT NULL DEFAULT '[]';
CREATE UNIQUE INDEX "custom_roles_id_key" ON "custom_roles"("id");
-- Names are stored as written, and unique whatever their case.
CREATE UNIQUE INDEX "custom_roles_name_key" ON "custom_roles" ("organization_id", lower("name"));

ALTER TABLE "organizations" ADD COLUMN "default_member_roles" TEXT[] NOT NULL DEFAULT ARRAY['organization-workspace-access']::TEXT[];
ALTER TABLE "organizations" ADD COLUMN "shareable_workspace_owners" TEXT NOT NULL DEFAULT 'everyone';

-- For lists, which read what their reader may see and nothing else.
CREATE INDEX "workspaces_organization_id_deleted_idx" ON "workspaces"("organization_id", "deleted");
CREATE INDEX "workspaces_user_acl_idx" ON "workspaces" USING gin ("user_acl");
CREATE INDEX "workspaces_group_acl_idx" ON "workspaces" USING gin ("group_acl");

-- A role that grants less, or is gone, matters to all who have it, by their membership or by default.
CREATE FUNCTION access_role_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO access_changes (subject)
    SELECT 'user:' || m.user_id FROM organization_members m JOIN organizations o ON o.id = m.organization_id
    WHERE m.organization_id = OLD.organization_id AND OLD.name = ANY (m.roles || o.default_member_roles);
  RETURN NULL;
END $$;
CREATE TRIGGER access_role_changed AFTER UPDATE OF org_permissions, member_permissions ON custom_roles
  FOR EACH ROW WHEN ((NEW.org_permissions, NEW.member_permissions)
    IS DISTINCT FROM (OLD.org_permissions, OLD.member_permissions))
  EXECUTE FUNCTION access_role_changed();
CREATE TRIGGER access_role_gone AFTER DELETE ON custom_roles
  FOR EACH ROW EXECUTE FUNCTION access_role_changed();

CREATE FUNCTION access_default_roles_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO access_changes (subject)
    SELECT 'user:' || user_id FROM organization_members WHERE organization_id = NEW.id;
  RETURN NULL;
END $$;
CREATE TRIGGER access_default_roles_changed AFTER UPDATE OF default_member_roles ON organizations
  FOR EACH ROW WHEN (NEW.default_member_roles IS DISTINCT FROM OLD.default_member_roles)
  EXECUTE FUNCTION access_default_roles_changed();

-- A workspace that is deleted, or gets another owner or organization, is no longer shared.
CREATE FUNCTION workspace_shares_end() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.user_acl := '{}';
  NEW.group_acl := '{}';
  RETURN NEW;
END $$;
CREATE TRIGGER workspace_shares_end BEFORE UPDATE OF owner_id, organization_id, deleted ON workspaces
  FOR EACH ROW WHEN ((NEW.owner_id, NEW.organization_id) IS DISTINCT FROM (OLD.owner_id, OLD.organization_id)
    OR (NEW.deleted AND NOT OLD.deleted))
  EXECUTE FUNCTION workspace_shares_end();

-- Whoever leaves an organization leaves its groups, and nothing in it is shared with them any more, should they return.
CREATE FUNCTION member_shares_end() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM group_members gm USING groups g
    WHERE g.id = gm.group_id AND g.organization_id = OLD.organization_id AND gm.user_id = OLD.user_id;
  UPDATE workspaces SET user_acl = user_acl - OLD.user_id::text
    WHERE organization_id = OLD.organization_id AND user_acl ? OLD.user_id::text;
  UPDATE templates SET user_acl = user_acl - OLD.user_id::text
    WHERE organization_id = OLD.organization_id AND user_acl ? OLD.user_id::text;
  RETURN NULL;
END $$;
CREATE TRIGGER member_shares_end AFTER DELETE ON organization_members
  FOR EACH ROW EXECUTE FUNCTION member_shares_end();

CREATE FUNCTION user_shares_end() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE workspaces SET user_acl = user_acl - OLD.id::text WHERE user_acl ? OLD.id::text;
  UPDATE templates SET user_acl = user_acl - OLD.id::text WHERE user_acl ? OLD.id::text;
  RETURN NULL;
END $$;
CREATE TRIGGER user_shares_end AFTER UPDATE OF deleted ON users
  FOR EACH ROW WHEN (NEW.deleted AND NOT OLD.deleted) EXECUTE FUNCTION user_shares_end();

CREATE FUNCTION group_shares_end() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE workspaces SET group_acl = group_acl - OLD.id::text
    WHERE organization_id = OLD.organization_id AND group_acl ? OLD.id::text;
  UPDATE templates SET group_acl = group_acl - OLD.id::text
    WHERE organization_id = OLD.organization_id AND group_acl ? OLD.id::text;
  RETURN NULL;
END $$;
CREATE TRIGGER group_shares_end AFTER DELETE ON groups
  FOR EACH ROW EXECUTE FUNCTION group_shares_end();
