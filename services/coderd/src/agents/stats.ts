import { type Clock, errorMessage, type Logger } from "@fleet/base";
import type { SessionReport } from "../connectionlog/reports-store.js";
import type { ActivityKind, ActivityRecorder, WorkspaceUse } from "./activity.js";
import type { AgentIdentity, AgentStore } from "./store.js";

/** Usage since the agent's previous report. */
export type AgentStatsReport = {
  connectionCount: bigint;
  connectionMedianLatencyMs: number;
  rxBytes: bigint;
  txBytes: bigint;
  sessionCountVscode: bigint;
  sessionCountJetbrains: bigint;
  sessionCountReconnectingPty: bigint;
  sessionCountSsh: bigint;
  /** Absent if the agent is of a release that does not measure it. */
  activity?: { cpuPercent?: number | undefined; sessionsWithInput: string[] } | undefined;
};

const SESSIONS = [
  ["vscode", "sessionCountVscode"],
  ["jetbrains", "sessionCountJetbrains"],
  ["reconnecting_pty", "sessionCountReconnectingPty"],
  ["ssh", "sessionCountSsh"],
] as const satisfies readonly (readonly [ActivityKind, keyof AgentStatsReport])[];

/** Usage and connection reports from agents. */
export type AgentStats = {
  /** Queues a report to be written in a batch. */
  report(agent: AgentIdentity, report: AgentStatsReport): void;
  /** Writes the start or end of a connection to the connection log. */
  reportConnection(agent: AgentIdentity, report: SessionReport): Promise<void>;
  /** Writes queued reports. Failures are logged; some are retried. */
  flush(): Promise<void>;
  close(): Promise<void>;
};

/** Templates count processes from at least this CPU usage on. */
const LEAST_CPU_PERCENT = 1;
/** An agent that does not report input would otherwise lose its users' work in templates that require it. */
const INPUT_UNKNOWN = true;
/** Interval between batch writes. */
const FLUSH_MS = 15_000;
/** Maximum queued reports; beyond it the oldest are dropped. */
const BACKLOG = 20_000;

/** Batches the reports of this replica's agents and writes them in one statement per interval. */
export function createAgentStats(options: {
  store: AgentStore;
  reportConnection: AgentStats["reportConnection"];
  activity: ActivityRecorder;
  /** False to record no more than that workspaces are in use. */
  collect: boolean;
  clock: Clock;
  logger: Logger;
}): AgentStats {
  const { store, activity, collect, clock, logger } = options;
  let waiting: Parameters<AgentStore["addStats"]>[0] = [];
  /** The latest use of each kind of each workspace. */
  const used = new Map<string, WorkspaceUse>();
  /** A workspace may have several agents. */
  function use(one: WorkspaceUse): void {
    const key = `${one.workspaceId} ${one.kind}`;
    const before = used.get(key);
    const cpuPercent = Math.max(one.cpuPercent ?? 0, before?.cpuPercent ?? 0);
    used.set(key, { ...one, input: one.input || before?.input, cpuPercent });
  }

  async function flush(): Promise<void> {
    const stats = waiting;
    const uses = [...used.values()];
    waiting = [];
    used.clear();
    try {
      await activity.record(uses);
    } catch (error) {
      // Bounded by the workspaces of this replica's agents. A workspace in use stays listed until written.
      for (const one of uses) if (!used.has(`${one.workspaceId} ${one.kind}`)) use(one);
      logger.warn("could not record workspace usage; retrying", {
        error: errorMessage(error),
      });
    }
    try {
      if (stats.length > 0) await store.addStats(stats);
    } catch (error) {
      waiting = [...stats, ...waiting].slice(-BACKLOG);
      logger.warn("could not write agent stats; retrying", { error: errorMessage(error) });
    }
  }
  const timer = clock.every(FLUSH_MS, () => void flush());

  return {
    report(agent, report) {
      const at = clock.now();
      const sessions = SESSIONS.filter(([, count]) => report[count] > 0n);
      const { workspaceId } = agent;
      const { cpuPercent = 0, sessionsWithInput: withInput } = report.activity ?? {};
      for (const [kind] of sessions)
        use({ workspaceId, kind, at, input: withInput?.includes(kind) ?? INPUT_UNKNOWN });
      if (cpuPercent >= LEAST_CPU_PERCENT) use({ workspaceId, kind: "processes", at, cpuPercent });
      const idle =
        sessions.length === 0 &&
        report.rxBytes === 0n &&
        report.txBytes === 0n &&
        report.connectionCount === 0n;
      if (idle || !collect) return;
      if (waiting.length >= BACKLOG) waiting.shift();
      waiting.push({
        createdAt: at,
        userId: agent.ownerId,
        workspaceId: agent.workspaceId,
        templateId: agent.templateId,
        agentId: agent.agentId,
        connectionCount: report.connectionCount,
        connectionMedianLatencyMs: report.connectionMedianLatencyMs,
        rxBytes: report.rxBytes,
        txBytes: report.txBytes,
        sessionCountVscode: report.sessionCountVscode,
        sessionCountJetbrains: report.sessionCountJetbrains,
        sessionCountReconnectingPty: report.sessionCountReconnectingPty,
        sessionCountSsh: report.sessionCountSsh,
      });
    },

    reportConnection: options.reportConnection,
    flush,
    async close() {
      timer.cancel();
      await flush();
    },
  };
}
