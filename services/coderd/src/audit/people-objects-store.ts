import { isUuid } from "@fleet/base";
import type { Database } from "../database/client.js";
import type { Loaders } from "./objects.js";
import { byIdOrName, organizationWhere } from "./objects-predicates.js";

type Kind =
  | "user"
  | "user_secret"
  | "user_ssh_key"
  | "git_ssh_key"
  | "external_auth_link"
  | "api_key"
  | "organization"
  | "organization_member"
  | "custom_role"
  | "group";

/** Loaders for users and what belongs to them, and for their organizations and groups. */
export function createPeopleLoaders(db: Database): Loaders<Kind> {
  return {
    async user({ id }) {
      const where = byIdOrName(id, id.includes("@") ? "email" : "username");
      const row = await db.user.findFirst({ where, orderBy: { deleted: "asc" } });
      if (!row) return undefined;
      const { username, email, name, status, roles, deleted } = row;
      const fields = { username, email, name, status, login_type: row.loginType, rbac_roles: roles, deleted };
      const hidden = { hashed_password: row.passwordHash, quiet_hours_schedule: row.quietHours ?? "" };
      return { id: row.id, target: username, icon: row.avatarUrl, fields: { ...fields, ...hidden } };
    },
    async git_ssh_key({ id }) {
      const user = await db.user.findFirst({
        where: byIdOrName(id, "username"),
        include: { gitSshKey: true },
      });
      if (!user?.gitSshKey) return undefined;
      const { publicKey, privateKey } = user.gitSshKey;
      return {
        id: user.id,
        target: user.username,
        fields: { public_key: publicKey, private_key: privateKey },
      };
    },
    async external_auth_link({ id }) {
      const [userId = "", providerId = ""] = id.split(/:(.*)/s);
      if (!isUuid(userId)) return undefined;
      const row = await db.externalAuthLink.findUnique({
        where: { providerId_userId: { providerId, userId } },
      });
      if (!row) return undefined;
      const { token, expiresAt } = row;
      return { id: userId, target: providerId, fields: { token, expires_at: expiresAt } };
    },
    async user_secret({ id, within }) {
      const key = within === undefined ? (isUuid(id) ? { id } : undefined) : { name: id };
      const owner =
        within === undefined ? {} : { user: { deleted: false, ...byIdOrName(within, "username") } };
      const row = key && (await db.userSecret.findFirst({ where: { ...key, ...owner } }));
      if (!row) return undefined;
      const { name, description, envName, filePath, enabled, value } = row;
      const fields = { name, description, env_name: envName, file_path: filePath, enabled, value };
      return { id: row.id, target: name, fields };
    },
    async user_ssh_key({ id }) {
      const row = isUuid(id) ? await db.userSshKey.findUnique({ where: { id } }) : null;
      if (!row) return undefined;
      const { name, publicKey, fingerprint, userId } = row;
      return { id, target: name, fields: { name, public_key: publicKey, fingerprint, user_id: userId } };
    },
    async api_key({ id }) {
      const row = await db.apiKey.findUnique({ where: { id }, include: { user: true } });
      if (!row) return undefined;
      const fields = {
        login_type: row.loginType,
        scopes: row.scopes,
        token_name: row.tokenName,
        lifetime_seconds: row.lifetimeSeconds,
        expires_at: row.expiresAt,
        hashed_secret: row.secretHash,
      };
      // A key's id is not a UUID, so the log uses the user's id, as clients expect.
      return { id: row.userId, target: row.tokenName || row.user.username, fields };
    },
    async organization({ id }) {
      const where = organizationWhere(id);
      const row = await db.organization.findFirst({ where, orderBy: { deleted: "asc" } });
      if (!row) return undefined;
      const { name, description, icon, deleted } = row;
      const fields = {
        name,
        display_name: row.displayName,
        description,
        icon,
        default_org_member_roles: row.defaultMemberRoles,
        shareable_workspace_owners: row.shareableWorkspaceOwners,
        deleted,
      };
      return { id: row.id, target: name, icon, organizationId: row.id, fields };
    },
    async organization_member({ id, within = "" }) {
      const row = await db.organizationMember.findFirst({
        where: {
          organization: { deleted: false, ...organizationWhere(within) },
          user: { deleted: false, ...byIdOrName(id, "username") },
        },
        include: { user: true },
      });
      if (!row) return undefined;
      const { organizationId, userId, user, roles } = row;
      return {
        id: userId,
        target: user.username,
        organizationId,
        fields: { username: user.username, roles },
      };
    },
    async custom_role({ id, within = "" }) {
      const row = await db.customRole.findFirst({
        where: { name: id, organization: { deleted: false, ...organizationWhere(within) } },
      });
      if (!row) return undefined;
      const { name, displayName, organizationPermissions, memberPermissions, organizationId } = row;
      const fields = {
        name,
        display_name: displayName,
        org_permissions: organizationPermissions,
        member_permissions: memberPermissions,
      };
      return { id: row.id, target: name, organizationId, fields };
    },
    async group({ id }) {
      if (!isUuid(id)) return undefined;
      const row = await db.group.findUnique({
        where: { id },
        include: { members: { include: { user: true } } },
      });
      if (!row) return undefined;
      const { name, displayName, avatarUrl, quotaAllowance, organizationId } = row;
      const members = row.members.map(({ user }) => user.username).sort();
      const fields = {
        name,
        display_name: displayName,
        avatar_url: avatarUrl,
        quota_allowance: quotaAllowance,
        members,
      };
      return { id, target: name, icon: avatarUrl, organizationId, fields };
    },
  };
}
