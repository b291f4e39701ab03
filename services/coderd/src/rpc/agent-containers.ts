import { timestampDate } from "@bufbuild/protobuf/wkt";
import type { CallContext, Handlers } from "@fleet/proto-gen";
import type {
  AgentService,
  CreateSubAgentRequest,
  ReportContainersRequest,
  SubAgentApp as WireApp,
} from "@fleet/proto-gen/agent";
import type { AgentContainers, ContainersReport, DevcontainerStatus } from "../agents/containers.js";
import type { AgentIdentity } from "../agents/store.js";
import type { SubAgents } from "../agents/subagents.js";
import type { NewSubAgent } from "../agents/subagents-store.js";
import { SHARE_LEVELS } from "../auth/share-level.js";
import { storable } from "../database/json.js";

const STATUSES: readonly DevcontainerStatus[] = [
  "running",
  "stopped",
  "starting",
  "stopping",
  "deleting",
  "error",
];
const OPEN_IN = ["slim-window", "tab"];
/** Maximum characters of a text of an app. */
const TEXT_LIMIT = 4_096;

/** What agents call for their dev containers. */
export function containerCalls(options: {
  identify(context: CallContext): Promise<AgentIdentity>;
  subAgents: SubAgents;
  containers: AgentContainers;
}) {
  const { identify, subAgents, containers } = options;
  return {
    async createSubAgent(request, context) {
      const parent = await identify(context);
      const { id, directory } = request;
      return subAgents.create(parent, id ? { id, directory: text(directory) } : toSubAgent(request));
    },

    async deleteSubAgent(request, context) {
      await subAgents.delete(await identify(context), request.id);
      return {};
    },

    async reportContainers(request, context) {
      const { agentId } = await identify(context);
      await containers.report(agentId, toReport(request));
      return {};
    },
  } satisfies Partial<Handlers<(typeof AgentService)["method"]>>;
}

const text = (value: string) => storable(value.slice(0, TEXT_LIMIT));

function toSubAgent(request: CreateSubAgentRequest): NewSubAgent {
  return {
    name: text(request.name),
    directory: text(request.directory),
    operatingSystem: text(request.operatingSystem),
    architecture: text(request.architecture),
    displayApps: request.displayApps.slice(0, 16).map(text),
    apps: request.apps.map(toApp),
  };
}

function toApp(app: WireApp): NewSubAgent["apps"][number] {
  return {
    slug: text(app.slug),
    displayName: text(app.displayName || app.slug),
    url: text(app.url),
    command: text(app.command),
    icon: text(app.icon),
    external: app.external,
    subdomain: app.subdomain,
    hidden: app.hidden,
    sharingLevel: SHARE_LEVELS.find((level) => level === app.share) ?? "owner",
    openIn: OPEN_IN.find((where) => where === app.openIn) ?? "slim-window",
    group: text(app.group),
    displayOrder: app.order,
  };
}

function toReport({ devcontainers, containers, warnings }: ReportContainersRequest): ContainersReport {
  return {
    devcontainers: devcontainers.map((one) => ({
      id: one.id,
      name: one.name,
      workspaceFolder: one.workspaceFolder,
      configPath: one.configPath,
      status: STATUSES.find((status) => status === one.status) ?? "error",
      dirty: one.dirty,
      containerId: one.containerId,
      subAgent: one.subagentId
        ? { id: one.subagentId, name: one.subagentName, directory: one.subagentDirectory }
        : undefined,
      error: one.error,
    })),
    containers: containers.map((one) => ({
      id: one.id,
      name: one.name,
      image: one.image,
      labels: one.labels,
      running: one.running,
      status: one.status,
      createdAtMs: one.createdAt ? timestampDate(one.createdAt).getTime() : 0,
      ports: one.ports.map(({ port, network, hostIp, hostPort }) => ({ port, network, hostIp, hostPort })),
      volumes: one.volumes,
    })),
    warnings,
  };
}
