import { type Clock, errorMessage, type Logger } from "@fleet/base";
import type { AgentConnectionReport } from "./connections-store.js";
import type { AgentIdentity, AgentStore } from "./store.js";

/** What an agent reports, since its last report. */
export type AgentStatsReport = {
  connectionCount: bigint;
  connectionMedianLatencyMs: number;
  rxBytes: bigint;
  txBytes: bigint;
  sessionCountVscode: bigint;
  sessionCountJetbrains: bigint;
  sessionCountReconnectingPty: bigint;
  sessionCountSsh: bigint;
};

/** What agents tell of their use, and of the connections to them. */
export type AgentStats = {
  /** Keeps a report until it is written with others. */
  report(agent: AgentIdentity, report: AgentStatsReport): void;
  /** Writes a connection's begin or end to the connection log. */
  reportConnection(agent: AgentIdentity, report: AgentConnectionReport): Promise<void>;
  /** Writes what has been reported. What fails is logged, and in part tried again. */
  flush(): Promise<void>;
  close(): Promise<void>;
};

/** Reports are written together, this often. */
const FLUSH_MS = 15_000;
/** Reports that wait at most; beyond it the oldest are dropped. */
const BACKLOG = 20_000;

/** Gathers the reports of this replica's agents and writes them in one statement an interval. */
export function createAgentStats(options: {
  store: AgentStore;
  reportConnection: AgentStats["reportConnection"];
  activity: { record(workspaceIds: readonly string[], now: Date): Promise<void> };
  clock: Clock;
  logger: Logger;
}): AgentStats {
  const { store, activity, clock, logger } = options;
  let waiting: Parameters<AgentStore["addStats"]>[0] = [];
  const used = new Set<string>();

  async function flush(): Promise<void> {
    const stats = waiting;
    const workspaces = [...used];
    waiting = [];
    used.clear();
    try {
      await activity.record(workspaces, clock.now());
    } catch (error) {
      // Bounded by the workspaces of this replica's agents: what is in use stays so until it is written.
      for (const id of workspaces) used.add(id);
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
      const sessions =
        report.sessionCountVscode +
        report.sessionCountJetbrains +
        report.sessionCountReconnectingPty +
        report.sessionCountSsh;
      if (sessions > 0n) used.add(agent.workspaceId);
      const idle =
        sessions === 0n && report.rxBytes === 0n && report.txBytes === 0n && report.connectionCount === 0n;
      if (idle) return;
      if (waiting.length >= BACKLOG) waiting.shift();
      waiting.push({
        createdAt: clock.now(),
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
