import { isUuid } from "@fleet/base";
import type { Database } from "../database/client.js";
import type { Fields } from "./diff.js";
import type { Loaders } from "./objects.js";
import { byIdOrName, organizationWhere } from "./objects-predicates.js";

const NIL = "00000000-0000-0000-0000-000000000000";

type Kind = "provisioner_key" | "workspace_proxy" | "webhook" | "appearance" | "health_settings";

/** Loaders for the deployment's infrastructure and settings. */
export function createDeploymentLoaders(db: Database): Loaders<Kind> {
  return {
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
    async webhook({ id }) {
      if (!isUuid(id)) return undefined;
      const row = await db.webhook.findUnique({ where: { id } });
      if (!row) return undefined;
      const { name, url, actions, enabled, secret } = row;
      const filter = { organization_id: row.organizationId ?? "", user_id: row.userId ?? "" };
      const fields = { name, url, resource_types: row.resourceTypes, actions, ...filter, enabled, secret };
      return { id, target: name, fields };
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
