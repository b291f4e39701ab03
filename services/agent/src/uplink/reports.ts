import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { AppHealth, LifecycleState } from "@fleet/proto-gen/agent";
import type { LifecycleStatus } from "../lifecycle/status.js";
import { type ContainersReport, createContainerReports } from "./containers.js";
import type { Uplink } from "./delivery.js";
import { createLogs, type LogLine } from "./logs.js";

export type ScriptStage = "start" | "stop" | "cron";
export type ScriptStatus = "ok" | "exit_failure" | "timed_out" | "pipes_left_open" | "skipped";
export type ScriptResult = {
  scriptId: string;
  startedAt: Date;
  endedAt: Date;
  exitCode: number;
  stage: ScriptStage;
  status: ScriptStatus;
};
export type HealthStatus = "initializing" | "healthy" | "unhealthy";
export type MetadataValue = { key: string; collectedAt: Date; value: string; error: string };
export type Usage = { usedBytes: number; totalBytes: number };
/** One look at the machine. What could not be read is left out. */
export type ResourcesSample = {
  collectedAt: Date;
  memory?: Usage | undefined;
  volumes: { path: string; usage: Usage }[];
};
export type ConnectionEvent = {
  connectionId: string;
  /** The connection that carries the session, by the name that its proxy gave it; empty if it gave none. */
  streamId: string;
  action: "connect" | "disconnect";
  type: "ssh" | "vscode" | "jetbrains" | "reconnecting_pty";
  at: Date;
  exitCode: number | undefined;
};

/** Work that exists only in this repository. */
export type UnpushedRepository = {
  path: string;
  /** Changed, added, deleted and untracked files. */
  changedFiles: number;
  stashes: number;
  branches: UnpushedBranch[];
  onEphemeralStorage: boolean;
};

/** Commits that no remote has; without a name, those that no branch contains. */
export type UnpushedBranch = { name: string; commits: number; hasUpstream: boolean };

/** What was found at one look. */
export type UnpushedWork = {
  collectedAt: Date;
  /** False if there may be more: a limit was reached. */
  complete: boolean;
  repositories: UnpushedRepository[];
};

/** All reports of the agent, each kind in its own bounded queue. Never blocks the caller. */
export type Reports = {
  lifecycle(state: LifecycleStatus, at: Date): void;
  scriptCompleted(result: ScriptResult): void;
  appHealth(appId: string, health: HealthStatus): void;
  metadata(value: MetadataValue): void;
  log(line: LogLine): void;
  connection(event: ConnectionEvent): void;
  /** The latest samples, oldest first; replaces a report that was not sent yet. */
  resources(samples: readonly ResourcesSample[]): void;
  /** Replaces a report that was not sent yet. */
  unpushedWork(work: UnpushedWork): void;
  /** The containers that there are; replaces a report that was not sent yet. */
  containers(report: ContainersReport): void;
  /** Waits up to `waitMs` until the reports that matter at shutdown were delivered. */
  flush(waitMs: number): Promise<void>;
};

const LIFECYCLE: Record<LifecycleStatus, LifecycleState> = {
  created: LifecycleState.CREATED,
  starting: LifecycleState.STARTING,
  start_timeout: LifecycleState.START_TIMEOUT,
  start_error: LifecycleState.START_ERROR,
  ready: LifecycleState.READY,
  shutting_down: LifecycleState.SHUTTING_DOWN,
  shutdown_timeout: LifecycleState.SHUTDOWN_TIMEOUT,
  shutdown_error: LifecycleState.SHUTDOWN_ERROR,
  off: LifecycleState.OFF,
};
const HEALTH: Record<HealthStatus, AppHealth> = {
  initializing: AppHealth.INITIALIZING,
  healthy: AppHealth.HEALTHY,
  unhealthy: AppHealth.UNHEALTHY,
};

export function createReports(uplink: Uplink, bootId: string): Reports {
  const lifecycle = uplink.delivery<{ state: LifecycleStatus; at: Date }>({
    name: "lifecycle states",
    limit: 64,
    batch: 1,
    delayMs: 0,
    send: (client, [item]) =>
      client.updateLifecycle({ state: LIFECYCLE[item!.state], changedAt: timestampFromDate(item!.at) }),
  });
  const scripts = uplink.delivery<ScriptResult>({
    name: "script results",
    limit: 1_000,
    batch: 1,
    delayMs: 0,
    send: (client, [item]) =>
      client.scriptCompleted({
        scriptId: item!.scriptId,
        startedAt: timestampFromDate(item!.startedAt),
        endedAt: timestampFromDate(item!.endedAt),
        exitCode: item!.exitCode,
        stage: item!.stage,
        status: item!.status,
      }),
  });
  const health = uplink.delivery<{ appId: string; health: HealthStatus }>({
    name: "app health reports",
    limit: 1_000,
    batch: 100,
    delayMs: 200,
    keyOf: (item) => item.appId,
    send: (client, items) =>
      client.batchUpdateAppHealths({
        updates: items.map((item) => ({ appId: item.appId, health: HEALTH[item.health] })),
      }),
  });
  const metadata = uplink.delivery<MetadataValue>({
    name: "metadata",
    limit: 1_000,
    batch: 100,
    delayMs: 500,
    keyOf: (item) => item.key,
    send: (client, items) =>
      client.batchUpdateMetadata({
        results: items.map(({ collectedAt, ...item }) => ({
          ...item,
          collectedAt: timestampFromDate(collectedAt),
        })),
      }),
  });
  const logs = createLogs(uplink, bootId);
  const connections = uplink.delivery<ConnectionEvent>({
    name: "connections",
    limit: 1_000,
    batch: 1,
    delayMs: 0,
    send: (client, [item]) =>
      client.reportConnection({
        connectionId: item!.connectionId,
        streamId: item!.streamId,
        action: item!.action,
        type: item!.type,
        at: timestampFromDate(item!.at),
        ...(item!.exitCode !== undefined && { exitCode: item!.exitCode }),
      }),
  });

  const resources = uplink.delivery<readonly ResourcesSample[]>({
    name: "resource samples",
    limit: 1,
    batch: 1,
    delayMs: 0,
    keyOf: () => "latest",
    send: (client, [samples]) =>
      client.pushResourcesUsage({
        samples: samples!.map(({ collectedAt, memory, volumes }) => ({
          collectedAt: timestampFromDate(collectedAt),
          memory: memory && toUsage(memory),
          volumes: volumes.map(({ path, usage }) => ({ path, usage: toUsage(usage) })),
        })),
      }),
  });

  const unpushed = uplink.delivery<UnpushedWork>({
    name: "unpushed work",
    limit: 1,
    batch: 1,
    delayMs: 0,
    keyOf: () => "latest",
    send: (client, [work]) =>
      client.reportUnpushedWork({ ...work!, collectedAt: timestampFromDate(work!.collectedAt) }),
  });

  return {
    lifecycle: (state, at) => lifecycle.push({ state, at }),
    scriptCompleted: scripts.push,
    appHealth: (appId, status) => health.push({ appId, health: status }),
    metadata: metadata.push,
    log: logs.push,
    connection: connections.push,
    resources: resources.push,
    unpushedWork: unpushed.push,
    containers: createContainerReports(uplink).push,
    async flush(waitMs) {
      await Promise.all([lifecycle, scripts, logs, unpushed].map((each) => each.flush(waitMs)));
    },
  };
}

function toUsage({ usedBytes, totalBytes }: Usage) {
  return { usedBytes: BigInt(usedBytes), totalBytes: BigInt(totalBytes) };
}
