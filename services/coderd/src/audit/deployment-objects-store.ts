import { isUuid } from "@fleet/base";
import type { Database } from "../database/client.js";
import type { Fields } from "./diff.js";
import type { Loaders, ObjectKey } from "./objects.js";
import { byIdOrName, organizationWhere } from "./objects-predicates.js";

const NIL = "00000000-0000-0000-0000-000000000000";

type Kind =
  | "policy"
  | "provisioner_key"
  | "workspace_proxy"
  | "webhook"
  | "notifications_settings"
  | "notification_template"
  | "prebuilds_settings"
  | "appearance"
  | "health_settings"
  | "idp_sync_settings_group"
  | "idp_sync_settings_organization"
  | "idp_sync_settings_role";

/** Loaders for the deployment's infrastructure and settings. */
export function createDeploymentLoaders(db: Database): Loaders<Kind> {
  const syncOf = (kind: "groups" | "roles") => async (key: ObjectKey) => {
    const row = await db.organization.findFirst({
      where: { deleted: false, ...organizationWhere(key.id) },
      include: { idpSync: true },
    });
    if (!row) return undefined;
    const fields = (row.idpSync?.[kind] ?? {}) as Fields;
    return { id: row.id, target: row.name, icon: row.icon, organizationId: row.id, fields };
  };

  return {
    idp_sync_settings_group: syncOf("groups"),
    idp_sync_settings_role: syncOf("roles"),
    async idp_sync_settings_organization() {
      const row = await db.siteConfig.findUnique({ where: { key: "idp_sync_organization" } });
      return { id: NIL, target: "Organization sync", fields: JSON.parse(row?.value ?? "{}") as Fields };
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
    async policy({ id }) {
      const row = isUuid(id)
        ? await db.policy.findUnique({ where: { id }, include: { versions: true } })
        : null;
      const content = row?.versions.find(({ version }) => version === row.version);
      if (!row || !content) return undefined;
      const { name, organizationId, templateId, version, deletedAt } = row;
      const { mode, transitions, expression, message, messageExpression } = content;
      return {
        id,
        target: name,
        ...(organizationId && { organizationId }),
        fields: {
          name,
          template_id: templateId,
          version,
          mode,
          transitions,
          expression,
          message,
          message_expression: messageExpression,
          deleted: deletedAt !== null,
        },
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
    async webhook({ id }) {
      if (!isUuid(id)) return undefined;
      const row = await db.webhook.findUnique({ where: { id } });
      if (!row) return undefined;
      const { name, url, actions, enabled, secret } = row;
      const filter = { organization_id: row.organizationId ?? "", user_id: row.userId ?? "" };
      const fields = { name, url, resource_types: row.resourceTypes, actions, ...filter, enabled, secret };
      return { id, target: name, fields };
    },
    async notifications_settings() {
      const row = await db.siteConfig.findUnique({ where: { key: "notifications_settings" } });
      const settings = JSON.parse(row?.value ?? "{}") as { notifier_paused?: boolean };
      return { id: NIL, target: "", fields: { notifier_paused: settings.notifier_paused ?? false } };
    },
    async prebuilds_settings() {
      const row = await db.siteConfig.findUnique({ where: { key: "prebuilds_settings" } });
      const settings = JSON.parse(row?.value ?? "{}") as { paused?: boolean };
      return { id: NIL, target: "", fields: { reconciliation_paused: settings.paused ?? false } };
    },
    async notification_template({ id }) {
      if (!isUuid(id)) return undefined;
      const row = await db.notificationTemplateMethod.findUnique({ where: { templateId: id } });
      return { id, target: id, fields: { method: row?.method ?? "" } };
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
}
