import { isUuid } from "@fleet/base";
import type { Database } from "../database/client.js";
import { sameText } from "../database/text.js";
import type { Fields } from "./diff.js";

/** Kinds of objects in the log, under the names that clients filter by. */
export type AuditedType =
  | "api_key"
  | "appearance"
  | "git_ssh_key"
  | "group"
  | "health_settings"
  | "organization"
  | "organization_member"
  | "port_share"
  | "provisioner_key"
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
export const SECRET_FIELDS = [
  "hashed_password",
  "hashed_secret",
  "private_key",
  "state",
  "token_hash",
] as const;

/** Parts of a key: ids that a path or an answer names. */
export type ObjectKey = { id: string; within?: string | undefined };

/** Those that a path may call by a name that can change. */
const NAMED: readonly AuditedType[] = ["organization", "user", "workspace_proxy"];

/** The key of a port share in its workspace. */
export function portShareId({ agent_name, port }: { agent_name: string; port: number }): string {
  return `${port}:${agent_name}`;
}

const NIL = "00000000-0000-0000-0000-000000000000";

/** Reads what the log tells of an object. An id that is none reads as an object that is not there. */
export type AuditedObjects = {
  /** The object as it is now; undefined where there is none. */
  load(type: AuditedType, key: ObjectKey): Promise<AuditedObject | undefined>;
  /** The object as it is after what was done to it, which may have changed the name by which the key found it. */
  reload(
    type: AuditedType,
    key: ObjectKey,
    before: AuditedObject | undefined,
  ): Promise<AuditedObject | undefined>;
};

export function createAuditedObjects(db: Database): AuditedObjects {
  const byIdOrName = (id: string, name: string) => (isUuid(id) ? { id } : { [name]: sameText(id) });

  const organizationWhere = (idOrName: string) =>
    idOrName === "default" ? { isDefault: true } : byIdOrName(idOrName, "name");

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
      const where = organizationWhere(id);
      const row = await db.organization.findFirst({ where, orderBy: { deleted: "asc" } });
      if (!row) return undefined;
      const { name, description, icon, deleted } = row;
      const fields = { name, display_name: row.displayName, description, icon, deleted };
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
    async template({ id }) {
      const row = isUuid(id) ? await db.template.findUnique({ where: { id } }) : null;
      if (!row) return undefined;
      const { name, icon, organizationId, createdBy, createdAt, updatedAt, ...rest } = row;
      const fields = Object.fromEntries(
        Object.entries({ name, icon, ...rest }).map(([k, v]) => [snake(k), v]),
      );
      return { id, target: name, icon, organizationId, fields };
    },
    async template_version({ id }) {
      const row = isUuid(id)
        ? await db.templateVersion.findUnique({ where: { id }, include: { job: true } })
        : null;
      if (!row) return undefined;
      const { name, message, templateId, archived, organizationId, job } = row;
      const fields = { name, message, template_id: templateId, archived, canceled_at: job.canceledAt };
      return { id, target: name, organizationId, fields };
    },
    async workspace({ id }) {
      const row = isUuid(id)
        ? await db.workspace.findUnique({ where: { id }, include: { owner: true, latestBuild: true } })
        : null;
      if (!row) return undefined;
      const fields = {
        name: row.name,
        owner_id: row.ownerId,
        template_id: row.templateId,
        autostart_schedule: row.autostartSchedule,
        ttl_ms: row.ttlMs,
        deadline: row.latestBuild?.deadline,
        automatic_updates: row.automaticUpdates,
        dormant_at: row.dormantAt,
        deleting_at: row.deletingAt,
        deleted: row.deleted,
      };
      return { id, target: row.name, organizationId: row.organizationId, fields, facts: factsOf(row) };
    },
    async workspace_build({ id }) {
      const row = isUuid(id)
        ? await db.workspaceBuild.findUnique({
            where: { id },
            include: {
              workspace: { include: { owner: true } },
              job: true,
              state: { select: { updatedAt: true } },
            },
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
        canceled_at: row.job.canceledAt,
        state: row.state?.updatedAt,
      };
      const facts = {
        ...factsOf(workspace),
        build_number: String(row.buildNumber),
        build_reason: reason,
      };
      return { id, target: workspace.name, organizationId: workspace.organizationId, fields, facts };
    },
    async port_share({ id, within = "" }) {
      const [port = "", ...agent] = id.split(":");
      const row = isUuid(within)
        ? await db.workspacePortShare.findFirst({
            where: { workspaceId: within, agentName: agent.join(":"), port: Number(port) },
            include: { workspace: { include: { owner: true } } },
          })
        : null;
      if (!row) return undefined;
      const { workspace, agentName, shareLevel, protocol } = row;
      return {
        id: workspace.id,
        target: `${workspace.name}:${row.port}`,
        organizationId: workspace.organizationId,
        fields: { agent_name: agentName, port: row.port, share_level: shareLevel, protocol },
        facts: factsOf(workspace),
      };
    },
    async provisioner_key({ id, within = "" }) {
      const row = await db.provisionerKey.findFirst({
        where: { name: id, organization: { deleted: false, ...organizationWhere(within) } },
      });
      if (!row) return undefined;
      const { name, tags, organizationId } = row;
      return {
        id: row.id,
        target: name,
        organizationId,
        fields: { name, tags, hashed_secret: row.secretHash },
      };
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
    async appearance() {
      const row = await db.siteConfig.findUnique({ where: { key: "appearance" } });
      return { id: NIL, target: "", fields: JSON.parse(row?.value ?? "{}") as Fields };
    },
    async health_settings() {
      const row = await db.siteConfig.findUnique({ where: { key: "health_settings" } });
      const dismissed_healthchecks: unknown = JSON.parse(row?.value ?? "[]");
      return { id: NIL, target: "", fields: { dismissed_healthchecks } };
    },
  };

  return {
    load: (type, key) => loaders[type](key),

    reload: (type, key, before) =>
      loaders[type](before && NAMED.includes(type) ? { ...key, id: before.id } : key),
  };
}

function factsOf(workspace: { id: string; name: string; owner: { username: string } }) {
  return {
    workspace_id: workspace.id,
    workspace_name: workspace.name,
    workspace_owner: workspace.owner.username,
  };
}

function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
