import type * as wire from "@fleet/sdk";
import type { ContainersReport, ReportedContainer } from "../agents/containers.js";

/** The report as the API returns it; with `label`, `key=value` or `key`, only containers that have it. */
export function toContainers(report: ContainersReport, label?: string): wire.AgentContainers {
  const shown = new Map(report.containers.map((container) => [container.id, toContainer(container)]));
  return {
    devcontainers: report.devcontainers.map((one) => {
      const container = shown.get(one.containerId);
      return {
        id: one.id,
        name: one.name,
        workspace_folder: one.workspaceFolder,
        ...(one.configPath && { config_path: one.configPath }),
        ...(one.subAgent && { subagent_id: one.subAgent.id, agent: one.subAgent }),
        status: one.status,
        dirty: one.dirty,
        ...(container && { container }),
        ...(one.error && { error: one.error }),
      };
    }),
    containers: report.containers.filter(hasLabel(label)).map(({ id }) => shown.get(id)!),
    warnings: report.warnings,
  };
}

function hasLabel(label: string | undefined): (container: ReportedContainer) => boolean {
  if (label === undefined) return () => true;
  const [key, ...rest] = label.split("=");
  const value = rest.length > 0 ? rest.join("=") : undefined;
  return ({ labels }) => Object.hasOwn(labels, key!) && (value === undefined || labels[key!] === value);
}

function toContainer(container: ReportedContainer): wire.AgentContainer {
  const { id, name, image, labels, running, status, volumes, ports, createdAtMs } = container;
  return {
    created_at: new Date(createdAtMs).toISOString(),
    ...{ id, name, image, labels, running, status, volumes },
    ports: ports.map(({ port, network, hostIp, hostPort }) => ({
      port,
      network,
      ...(hostIp && { host_ip: hostIp }),
      ...(hostPort && { host_port: hostPort }),
    })),
  };
}
