import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { Delivery, Uplink } from "./delivery.js";

export type DevcontainerStatus = "running" | "stopped" | "starting" | "stopping" | "deleting" | "error";

export type DevcontainerReport = {
  id: string;
  name: string;
  workspaceFolder: string;
  configPath: string;
  status: DevcontainerStatus;
  dirty: boolean;
  containerId: string;
  agent: { id: string; name: string; directory: string } | undefined;
  error: string;
};

/** The containers of a workspace and its dev containers. */
export type ContainersReport = {
  devcontainers: DevcontainerReport[];
  containers: {
    id: string;
    name: string;
    image: string;
    labels: Record<string, string>;
    running: boolean;
    status: string;
    createdAt: Date;
    ports: { port: number; network: string; hostIp: string; hostPort: number }[];
    volumes: Record<string, string>;
  }[];
  warnings: string[];
};

/** Sends the latest list; it replaces one that was not sent yet. */
export function createContainerReports(uplink: Uplink): Delivery<ContainersReport> {
  return uplink.delivery<ContainersReport>({
    name: "containers",
    limit: 1,
    batch: 1,
    delayMs: 100,
    keyOf: () => "latest",
    send: (client, [report]) =>
      client.reportContainers({
        devcontainers: report!.devcontainers.map(({ agent, ...one }) => ({
          ...one,
          subagentId: agent?.id ?? "",
          subagentName: agent?.name ?? "",
          subagentDirectory: agent?.directory ?? "",
        })),
        containers: report!.containers.map(({ createdAt, ...one }) => ({
          ...one,
          createdAt: timestampFromDate(createdAt),
        })),
        warnings: report!.warnings,
      }),
  });
}
