import { FleetError, REVISION, VERSION } from "@fleet/base";
import { AGENT_PLATFORMS, agentScript } from "@fleet/provisionersdk";
import { openApiDocument, routeChapters } from "@fleet/sdk";
import type { Config } from "../../config.js";
import { deploymentOptions } from "../../deployment/options.js";
import type { Deployment } from "../../deployment/service.js";
import { PRIMARY_PROXY_ID } from "../../proxies/service.js";
import { proxyStatus } from "../../proxies/status.js";
import type { ProxyStore } from "../../proxies/store.js";
import { features, presentParts } from "../features.js";
import type { Handlers } from "../handler.js";
import { installScript } from "../install-script.js";
import { Reply } from "../reply.js";
import { requireDeployment } from "./debug.js";

export type DeploymentHandlerOptions = {
  deployment: Deployment;
  proxyStore: ProxyStore;
  config: Config;
  now(): Date;
};

export function createDeploymentHandlers({ deployment, proxyStore, config, now }: DeploymentHandlerOptions) {
  let document: Record<string, unknown> | undefined;
  return {
    apiRoot: async () => ({ message: "👋" }),
    healthz: async () => new Reply("OK"),
    openApi: async () => (document ??= openApiDocument(routeChapters) as Record<string, unknown>),

    buildInfo: async () => ({
      external_url: "",
      version: VERSION,
      revision: REVISION,
      dashboard_url: config.CODER_ACCESS_URL,
      telemetry: false,
      workspace_proxy: false,
      agent_api_version: "2.9",
      provisioner_api_version: "1.20",
      upgrade_message: "",
      deployment_id: await deployment.id(),
    }),

    regions: async () => ({
      regions: [
        {
          id: PRIMARY_PROXY_ID,
          name: "primary",
          display_name: "Default",
          icon_url: "/emojis/1f3e1.png",
          healthy: true,
          path_app_url: config.CODER_ACCESS_URL,
          wildcard_hostname: config.CODER_WILDCARD_ACCESS_URL,
        },
        ...(await proxyStore.list())
          .filter(({ url }) => url !== "")
          .map((row) => ({
            id: row.id,
            name: row.name,
            display_name: row.displayName,
            icon_url: row.icon,
            healthy: proxyStatus(row, now()) === "ok",
            path_app_url: row.url,
            wildcard_hostname: row.wildcardHostname,
          })),
      ],
    }),

    deploymentSsh: async () => ({
      hostname_prefix: config.CODER_SSH_HOSTNAME_PREFIX,
      hostname_suffix: config.CODER_WORKSPACE_HOSTNAME_SUFFIX,
      ssh_config_options: {},
    }),

    experiments: async () => [],
    experimentsAvailable: async () => ({ safe: [] }),
    deploymentConfig: async ({ actor }) => {
      requireDeployment(actor, "read", "deployment_config");
      const options = deploymentOptions(config);
      return { config: Object.fromEntries(options.map(({ yaml, value }) => [yaml, value])), options };
    },

    initScript: async ({ params }) => {
      const platform = AGENT_PLATFORMS.find(({ os, arch }) => os === params.os && arch === params.arch);
      if (!platform) {
        const known = AGENT_PLATFORMS.map(({ os, arch }) => `${os}/${arch}`).join(", ");
        throw new FleetError(
          "not_found",
          `No agent is available for ${params.os}/${params.arch}. Available platforms: ${known}.`,
        );
      }
      const accessUrl = `${config.CODER_ACCESS_URL.replace(/\/+$/, "")}/`;
      const script = agentScript(platform)
        .replace(/\$\{ACCESS_URL\}/g, () => accessUrl)
        .replace(/\$\{AUTH_TYPE\}/g, "token");
      return new Reply(script);
    },

    installScript: async () =>
      new Reply(installScript(config.CODER_ACCESS_URL), {
        headers: { "content-type": "text/plain; charset=utf-8" },
      }),

    updateCheck: async () => ({ current: true, version: VERSION, url: "" }),

    entitlements: async () => ({
      features: features(presentParts(config)),
      warnings: [],
      errors: [],
      has_license: true,
      trial: false,
      require_telemetry: false,
      refreshed_at: now().toISOString(),
    }),

    licenseList: async ({ actor }) => {
      requireDeployment(actor, "read", "license");
      return [];
    },
    licenseCreate: async ({ actor }) => {
      requireDeployment(actor, "create", "license");
      throw new FleetError("failed_precondition", NO_LICENSE);
    },
    entitlementsRefresh: async ({ actor }) => {
      requireDeployment(actor, "create", "license");
      return { message: NO_LICENSE };
    },

    appearance: async () => {
      const stored = await deployment.get("appearance");
      const appearance = {
        application_name: "",
        logo_url: "",
        docs_url: config.CODER_DOCS_URL ?? "",
        service_banner: { enabled: false },
        announcement_banners: [],
        support_links: config.CODER_SUPPORT_LINKS,
        ...(stored ? (JSON.parse(stored) as object) : {}),
      };
      return { ...appearance, notification_banners: appearance.announcement_banners };
    },

    appearanceUpdate: async ({ actor, body }) => {
      requireDeployment(actor, "update", "deployment_config");
      const service_banner = body.service_banner ?? body.announcement_banners[0] ?? { enabled: false };
      const appearance = { ...body, service_banner };
      await deployment.set("appearance", JSON.stringify(appearance));
      return appearance;
    },
  } satisfies Partial<Handlers>;
}

const NO_LICENSE = "This deployment needs no license: every feature is available without one.";
