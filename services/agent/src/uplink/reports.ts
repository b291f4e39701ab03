import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { AppHealth, LifecycleState, LogLevel } from "@fleet/proto-gen/agent";
import type { LifecycleStatus } from "../lifecycle/status.js";
import type { Uplink } from "./delivery.js";

export type ScriptStage = "start" | "stop" | "cron";
export type ScriptStatus = "ok" | "exit_failure" | "timed_out" | "pipes_left_open";
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
export type LogLine = { sourceId: string; createdAt: Date; level: "info" | "warn" | "error"; output: string };
export type ConnectionEvent = {
  connectionId: string;
  action: "connect" | "disconnect";
  type: "ssh" | "vscode" | "jetbrains" | "reconnecting_pty";
  at: Date;
};

/** Everything that the agent reports, each kind in its own bounded queue. Nothing here ever blocks the caller. */
export type Reports = {
  lifecycle(state: LifecycleStatus, at: Date): void;
  scriptCompleted(result: ScriptResult): void;
  appHealth(appId: string, health: HealthStatus): void;
  metadata(value: MetadataValue): void;
  log(line: LogLine): void;
  connection(event: ConnectionEvent): void;
  /** Waits until what matters at the end has arrived, for `waitMs` at most. */
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
const LEVEL = { info: LogLevel.INFO, warn: LogLevel.WARN, error: LogLevel.ERROR };

export function createReports(uplink: Uplink, bootId: string): Reports {
  let sequence = 0n;
  let logLimitExceeded = false;

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
    name: "healths of apps",
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
  const logs = uplink.delivery<LogLine & { sequence: bigint }>({
    name: "logs",
    limit: 10_000,
    batch: 500,
    delayMs: 250,
    send: async (client, items) => {
      // One call for each source, in order, numbered by its first line: coderd drops a call whose number it has seen.
      for (const group of bySource(items)) {
        const answer = await client.batchCreateLogs({
          bootId,
          logSourceId: group[0]!.sourceId,
          sequence: group[0]!.sequence,
          logs: group.map((line) => ({
            createdAt: timestampFromDate(line.createdAt),
            level: LEVEL[line.level],
            output: line.output,
          })),
        });
        logLimitExceeded ||= answer.logLimitExceeded;
      }
    },
  });
  const connections = uplink.delivery<ConnectionEvent>({
    name: "connections",
    limit: 1_000,
    batch: 1,
    delayMs: 0,
    send: (client, [item]) =>
      client.reportConnection({
        connectionId: item!.connectionId,
        action: item!.action,
        type: item!.type,
        at: timestampFromDate(item!.at),
      }),
  });

  return {
    lifecycle: (state, at) => lifecycle.push({ state, at }),
    scriptCompleted: scripts.push,
    appHealth: (appId, status) => health.push({ appId, health: status }),
    metadata: metadata.push,
    log(line) {
      if (!logLimitExceeded) logs.push({ ...line, sequence: ++sequence });
    },
    connection: connections.push,
    async flush(waitMs) {
      await Promise.all([lifecycle, scripts, logs].map((each) => each.flush(waitMs)));
    },
  };
}

/** Neighbours of one source, together, the order kept. */
function bySource<T extends { sourceId: string }>(items: T[]): T[][] {
  const groups: T[][] = [];
  for (const item of items) {
    const last = groups.at(-1);
    if (last?.[0]?.sourceId === item.sourceId) last.push(item);
    else groups.push([item]);
  }
  return groups;
}
