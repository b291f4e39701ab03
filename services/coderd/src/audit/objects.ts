import type { Database } from "../database/client.js";
import type { Fields } from "./diff.js";

/** Kinds of objects in the log, under the names that clients filter by. */
export type AuditedType =
  | "api_key"
  | "git_ssh_key"
  | "group"
  | "health_settings"
  | "organization"
  | "organization_member"
  | "template"
  | "template_version"
  | "user"
  | "workspace"
  | "workspace_build"
  | "workspace_proxy";

/** An object as the log sees it at one moment. */
export type AuditedObject = {
  id: string;
  /** What people call it. */
  target: string;
  icon?: string;
  organizationId?: string;
  fields: Fields;
  /** Facts by which a reader finds it. */
  facts?: Record<string, unknown>;
};

/** Fields whose values are never stored. */
export const SECRET_FIELDS = ["hashed_password", "hashed_secret", "private_key", "token_hash"] as const;

/** Parts of a key: ids that a path or an answer names. */
export type ObjectKey = { id: string; within?: string | undefined };

const UUID = /^[0-9a-f-]{36}$/i;
const NIL = "00000000-0000-0000-0000-000000000000";

export type AuditedObjects = ReturnType<typeof createAuditedObjects>;

/** Reads what the log tells of an object. An id that is none reads as an object that is not there. */
export function createAuditedObjects(db: Database) {
  const byIdOrName = (id: string, name: string) =>
    UUID.test(id) ? { id } : { [name]: { equals: id, mode: "insensitive" as const } };

  const loaders: Record<AuditedType, (key: ObjectKey) => Promise<AuditedObject | undefined>> = {
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
      // A key's id is no uuid: the log files it under its user, as clients expect.
      return { id: row.userId, target: row.tokenName || row.user.username, fields };
    },
    async organization({ id }) {
      const where = id === "default" ? { isDefault: true } : byIdOrName(id, "name");
      const row = await db.organization.findFirst({ where });
      if (!row) return undefined;
      const { name, description, icon, deleted } = row;
      const fields = { name, display_name: row.displayName, description, icon, deleted };
      return { id: row.id, target: name, icon, organizationId: row.id, fields };
    },
    async organization_member({ id, within = "" }) {
      const where = within === "default" ? { isDefault: true } : byIdOrName(within, "name");
      const row = await db.organizationMember.findFirst({
        where: { organization: where, user: { deleted: false, ...byIdOrName(id, "username") } },
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
    async group({ id }) {
      if (!UUID.test(id)) return undefined;
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
    async template({ id }) {
      const row = UUID.test(id) ? await db.template.findUnique({ where: { id } }) : null;
      if (!row) return undefined;
      const { name, icon, organizationId, createdBy, createdAt, updatedAt, ...rest } = row;
      const fields = Object.fromEntries(
        Object.entries({ name, icon, ...rest }).map(([k, v]) => [snake(k), v]),
      );
      return { id, target: name, icon, organizationId, fields };
    },
    async template_version({ id }) {
      const row = UUID.test(id) ? await db.templateVersion.findUnique({ where: { id } }) : null;
      if (!row) return undefined;
      const { name, message, templateId, archived, organizationId } = row;
      return {
        id,
        target: name,
        organizationId,
        fields: { name, message, template_id: templateId, archived },
      };
    },
    async workspace({ id }) {
      const row = UUID.test(id)
        ? await db.workspace.findUnique({ where: { id }, include: { owner: true } })
        : null;
      if (!row) return undefined;
      const fields = {
        name: row.name,
        owner_id: row.ownerId,
        template_id: row.templateId,
        autostart_schedule: row.autostartSchedule,
        ttl_ms: row.ttlMs,
        automatic_updates: row.automaticUpdates,
        dormant_at: row.dormantAt,
        deleting_at: row.deletingAt,
        deleted: row.deleted,
      };
      const facts = { workspace_name: row.name, workspace_owner: row.owner.username };
      return { id, target: row.name, organizationId: row.organizationId, fields, facts };
    },
    async workspace_build({ id }) {
      const row = UUID.test(id)
        ? await db.workspaceBuild.findUnique({
            where: { id },
            include: { workspace: { include: { owner: true } } },
          })
        : null;
      if (!row) return undefined;
      const { workspace, transition, reason, deadline } = row;
      const fields = {
        build_number: row.buildNumber,
        transition,
        template_version_id: row.templateVersionId,
        reason,
        deadline,
      };
      const facts = {
        workspace_id: workspace.id,
        workspace_name: workspace.name,
        workspace_owner: workspace.owner.username,
        build_number: String(row.buildNumber),
        build_reason: reason,
      };
      return { id, target: workspace.name, organizationId: workspace.organizationId, fields, facts };
    },
    async workspace_proxy({ id }) {
      const row = await db.workspaceProxy.findFirst({
        where: byIdOrName(id, "name"),
        orderBy: { deleted: "asc" },
      });
      if (!row) return undefined;
      const { name, icon, deleted } = row;
      const fields = { name, display_name: row.displayName, icon, deleted, token_hash: row.tokenHash };
      return { id: row.id, target: name, icon, fields };
    },
    async health_settings() {
      const row = await db.siteConfig.findUnique({ where: { key: "health_settings" } });
      const dismissed_healthchecks: unknown = JSON.parse(row?.value ?? "[]");
      return { id: NIL, target: "", fields: { dismissed_healthchecks } };
    },
  };

  return { load: (type: AuditedType, key: ObjectKey) => loaders[type](key) };
}

function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
