import { FleetError, VERSION } from "@fleet/base";
import type { Action, Resource } from "@fleet/rbac";
import type { Actor } from "../../auth/actor.js";
import { authorizer } from "../../auth/authorizer.js";
import { HEALTH_SECTIONS, type Health, type SectionKey } from "../../deployment/health.js";
import type { Section } from "../../deployment/health-checks.js";
import type { Replicas } from "../../deployment/replicas.js";
import type { DeploymentNumbers } from "../../deployment/stats-store.js";
import type { Handlers } from "../handler.js";

export type DebugHandlerOptions = { health: Health; numbers: DeploymentNumbers; replicas: Replicas };

/** Deployment health, for operators. */
export function createDebugHandlers({ health, numbers, replicas }: DebugHandlerOptions) {
  return {
    deploymentStats: async ({ actor }) => {
      requireDeployment(actor, "read", "deployment_stats");
      const { workspaces, sessions, ...times } = await numbers.stats();
      const { p50, p95, rxBytes, txBytes, ...counts } = workspaces;
      return {
        aggregated_from: times.aggregatedFrom.toISOString(),
        collected_at: times.collectedAt.toISOString(),
        next_update_at: times.nextUpdateAt.toISOString(),
        workspaces: {
          ...counts,
          connection_latency_ms: { P50: p50, P95: p95 },
          rx_bytes: rxBytes,
          tx_bytes: txBytes,
        },
        session_count: {
          vscode: sessions.vscode,
          ssh: sessions.ssh,
          jetbrains: sessions.jetbrains,
          reconnecting_pty: sessions.reconnectingPty,
        },
      };
    },

    replicas: async ({ actor }) => {
      requireDeployment(actor, "read", "replicas");
      return (await replicas.list()).map((row) => ({
        id: row.id,
        hostname: row.hostname,
        created_at: row.startedAt.toISOString(),
        relay_address: "",
        region_id: 0,
        error: "",
        database_latency: row.databaseLatencyUs,
      }));
    },

    debugHealth: async ({ actor, query }) => {
      requireDeployment(actor, "read", "debug_info");
      const [{ time, ...sections }, dismissed] = await Promise.all([
        health.report({ force: query.force }),
        health.dismissed(),
      ]);
      const shown = <T extends Section>(key: SectionKey, section: T) => ({
        ...section,
        healthy: section.severity !== "error",
        dismissed: dismissed.includes(HEALTH_SECTIONS[key]),
      });
      const report = {
        access_url: shown("access_url", sections.access_url),
        database: shown("database", sections.database),
        derp: shown("derp", sections.derp),
        provisioner_daemons: shown("provisioner_daemons", sections.provisioner_daemons),
        websocket: shown("websocket", sections.websocket),
        workspace_proxy: shown("workspace_proxy", sections.workspace_proxy),
      };
      const failing = Object.entries(report).filter(([, section]) => section.severity === "error");
      const counted = Object.values(report).filter((section) => !section.dismissed);
      const severity = (["error", "warning"] as const).find((one) =>
        counted.some((section) => section.severity === one),
      );
      return {
        ...report,
        time: time.toISOString(),
        healthy: severity !== "error",
        severity: severity ?? "ok",
        failing_sections: failing.map(([key]) => HEALTH_SECTIONS[key as SectionKey]),
        coder_version: VERSION,
      };
    },

    debugWebsocket: async () =>
      (async function* () {
        yield { message: "OK" };
      })(),

    debugHealthSettings: async ({ actor }) => {
      requireDeployment(actor, "read", "debug_info");
      return { dismissed_healthchecks: await health.dismissed() };
    },

    debugHealthSettingsUpdate: async ({ actor, body }) => {
      requireDeployment(actor, "update", "deployment_config");
      await health.setDismissed(body.dismissed_healthchecks);
      return { dismissed_healthchecks: body.dismissed_healthchecks };
    },
  } satisfies Partial<Handlers>;
}

/** Throws unless the actor is allowed; resources only operators may see return 404 to others. */
export function requireDeployment(actor: Actor, action: Action, type: Resource): void {
  authorizer.require(
    actor,
    action,
    { type },
    new FleetError("not_found", "Page not found, or you do not have access to it."),
  );
}
