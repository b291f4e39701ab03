import type * as wire from "@fleet/sdk";
import type { Proxies } from "../../proxies/service.js";
import { proxyStatus } from "../../proxies/status.js";
import type { ProxyRow } from "../../proxies/store.js";
import type { Handlers } from "../handler.js";

export function createWorkspaceProxyHandlers({ proxies, now }: { proxies: Proxies; now(): Date }) {
  const toProxy = (row: ProxyRow): wire.WorkspaceProxy => {
    const status = proxyStatus(row, now());
    return {
      id: row.id,
      name: row.name,
      display_name: row.displayName,
      icon_url: row.icon,
      healthy: status === "ok",
      path_app_url: row.url,
      wildcard_hostname: row.wildcardHostname,
      derp_enabled: false,
      derp_only: false,
      status: {
        status,
        report: { errors: [], warnings: [] },
        checked_at: now().toISOString(),
      },
      created_at: row.createdAt.toISOString(),
      updated_at: row.updatedAt.toISOString(),
      deleted: row.deleted,
      version: row.version,
    };
  };

  return {
    workspaceProxyList: async ({ actor }) => ({ regions: (await proxies.list(actor)).map(toProxy) }),
    workspaceProxyGet: async ({ actor, params }) =>
      toProxy(await proxies.require(actor, "read", params.proxy)),
    workspaceProxyCreate: async ({ actor, body }) => {
      const { row, token } = await proxies.create(actor, {
        name: body.name,
        displayName: body.display_name ?? "",
        icon: body.icon ?? "",
      });
      return { proxy: toProxy(row), proxy_token: token };
    },
    workspaceProxyUpdate: async ({ actor, params, body }) => {
      const { row, token } = await proxies.update(actor, params.proxy, {
        name: body.name,
        displayName: body.display_name,
        icon: body.icon,
        regenerateToken: body.regenerate_token,
      });
      return { proxy: toProxy(row), ...(token ? { proxy_token: token } : {}) };
    },
    workspaceProxyDelete: async ({ actor, params }) => {
      await proxies.delete(actor, params.proxy);
      return { message: "Proxy has been deleted!" };
    },
  } satisfies Partial<Handlers>;
}
