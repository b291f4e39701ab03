import { type Clock, FleetError, isUuid } from "@fleet/base";
import type { Redis } from "ioredis";
import { storable } from "../database/json.js";
import { hintsOf } from "../pubsub/hints.js";
import type { Pubsub } from "../pubsub/pubsub.js";
import type { AgentLogs } from "./logs.js";
import type { AgentIdentity } from "./store.js";

export type DevcontainerStatus = "running" | "stopped" | "starting" | "stopping" | "deleting" | "error";

export type ReportedDevcontainer = {
  id: string;
  name: string;
  workspaceFolder: string;
  configPath: string;
  status: DevcontainerStatus;
  dirty: boolean;
  containerId: string;
  subAgent: { id: string; name: string; directory: string } | undefined;
  error: string;
};

export type ReportedContainer = {
  id: string;
  name: string;
  image: string;
  labels: Record<string, string>;
  running: boolean;
  status: string;
  /** Milliseconds since the epoch. */
  createdAtMs: number;
  ports: { port: number; network: string; hostIp: string; hostPort: number }[];
  volumes: Record<string, string>;
};

/** The containers in a workspace, as its agent sees them. */
export type ContainersReport = {
  devcontainers: ReportedDevcontainer[];
  containers: ReportedContainer[];
  warnings: string[];
};

export type DevcontainerAct = "recreate" | "delete";

/** Containers of each workspace. Stored only in Redis, since they are useful only while fresh. */
export type AgentContainers = {
  /** Replaces what the agent has reported before. Dev containers with an invalid id are left out. */
  report(agentId: string, report: ContainersReport): Promise<void>;
  /** Empty if the agent has not reported lately, or Redis is unavailable. */
  read(agentId: string): Promise<ContainersReport>;
  /** Yields after each change, and once at the beginning, until the signal aborts. */
  watch(agentId: string, signal: AbortSignal): AsyncGenerator<ContainersReport>;
  /**
   * Asks the agent to build the dev container anew or to delete it. Nothing waits for it: its report tells.
   * @throws not_found, and failed_precondition while it is already being changed.
   */
  request(agentId: string, devcontainerId: string, act: DevcontainerAct): Promise<void>;
  /** Calls back for each request for this agent, until the returned function is called. */
  onRequest(
    { agentId }: Pick<AgentIdentity, "agentId">,
    callback: (devcontainerId: string, act: DevcontainerAct) => void,
  ): Promise<() => void>;
};

/** How long a report is kept: until the second next one is due. */
const TTL_SECONDS = 90;
/** How often a watcher reads when nothing is announced. */
const POLL_MS = 15_000;
const DEVCONTAINER_LIMIT = 64;
const CONTAINER_LIMIT = 128;
const LABEL_LIMIT = 64;
const WARNING_LIMIT = 16;
const TEXT_LIMIT = 1_024;
const NONE: ContainersReport = { devcontainers: [], containers: [], warnings: [] };

const reportChannel = (agentId: string) => `agent:${agentId}:containers`;
const requestChannel = (agentId: string) => `agent:${agentId}:devcontainer-acts`;

export function createAgentContainers(options: {
  redis: Redis;
  prefix: string;
  pubsub: Pubsub;
  logs: Pick<AgentLogs, "addSource">;
  clock: Clock;
}): AgentContainers {
  const { redis, pubsub, logs, clock } = options;
  const keyOf = (agentId: string) => `${options.prefix}:containers:${agentId}`;

  const text = (agentId: string) => redis.get(keyOf(agentId)).catch(() => null);

  async function read(agentId: string): Promise<ContainersReport> {
    return JSON.parse((await text(agentId)) ?? JSON.stringify(NONE)) as ContainersReport;
  }

  return {
    async report(agentId, report) {
      const next = limited(report);
      const kept = JSON.stringify(next);
      const former = await redis.set(keyOf(agentId), kept, "EX", TTL_SECONDS, "GET");
      if (former === kept) return;
      pubsub.publish(reportChannel(agentId), {});
      const known = new Set(
        (JSON.parse(former ?? JSON.stringify(NONE)) as ContainersReport).devcontainers.map(({ id }) => id),
      );
      for (const { id, name } of next.devcontainers) {
        if (!known.has(id))
          await logs.addSource(agentId, { id, displayName: storable(`Dev Container (${name})`), icon: "" });
      }
    },

    read,

    async *watch(agentId, signal) {
      const hints = await hintsOf(pubsub, reportChannel(agentId), clock, signal, POLL_MS);
      let last: string | undefined;
      while (!signal.aborted) {
        const report = await read(agentId);
        const now = JSON.stringify(report);
        if (now !== last) yield report;
        last = now;
        await hints.next();
      }
    },

    async request(agentId, devcontainerId, act) {
      const { devcontainers } = await read(agentId);
      const known = devcontainers.find(({ id }) => id === devcontainerId);
      if (!known)
        throw new FleetError("not_found", "Dev container not found, or its agent is not connected.");
      if (known.status === "starting" || known.status === "stopping" || known.status === "deleting") {
        throw new FleetError(
          "failed_precondition",
          `The dev container is ${known.status}. Try again when that has ended.`,
        );
      }
      pubsub.publish(requestChannel(agentId), { devcontainerId, act });
    },

    onRequest: ({ agentId }, callback) =>
      pubsub.listen(requestChannel(agentId), ({ devcontainerId, act }) => {
        if (typeof devcontainerId === "string" && (act === "recreate" || act === "delete"))
          callback(devcontainerId, act);
      }),
  };
}

const isIdentified = ({ id, subAgent }: ReportedDevcontainer) =>
  isUuid(id) && (subAgent === undefined || isUuid(subAgent.id));

/** Within its limits: a workspace is not trusted. */
function limited({ devcontainers, containers, warnings }: ContainersReport): ContainersReport {
  const short = (value: string) => value.slice(0, TEXT_LIMIT);
  const shortPairs = (pairs: Record<string, string>) =>
    Object.fromEntries(
      Object.entries(pairs)
        .slice(0, LABEL_LIMIT)
        .map(([key, value]) => [short(key), short(value)]),
    );
  return {
    devcontainers: devcontainers
      .filter(isIdentified)
      .slice(0, DEVCONTAINER_LIMIT)
      .map((one) => ({
        ...one,
        name: short(one.name),
        workspaceFolder: short(one.workspaceFolder),
        configPath: short(one.configPath),
        containerId: short(one.containerId),
        error: short(one.error),
        subAgent: one.subAgent && { ...one.subAgent, directory: short(one.subAgent.directory) },
      })),
    containers: containers.slice(0, CONTAINER_LIMIT).map((one) => ({
      ...one,
      id: short(one.id),
      name: short(one.name),
      image: short(one.image),
      status: short(one.status),
      labels: shortPairs(one.labels),
      ports: one.ports.slice(0, LABEL_LIMIT),
      volumes: shortPairs(one.volumes),
    })),
    warnings: warnings.slice(0, WARNING_LIMIT).map(short),
  };
}
