import type { Database } from "../database/client.js";

export type MonitorState = "OK" | "NOK";

/** A monitored resource: `path` is empty for memory, `threshold` a percentage. */
export type Monitor = {
  path: string;
  threshold: number;
  state: MonitorState;
  /** No notification is sent before. */
  debouncedUntil: Date | null;
};

/** Storage of what templates monitor, and of its state. */
export type MonitorStore = {
  ofAgent(agentId: string): Promise<Monitor[]>;
  /** Sets the state if it is still the monitor's. Returns false if another report was first. */
  change(
    agentId: string,
    monitor: Monitor,
    state: MonitorState,
    debouncedUntil: Date | null,
    now: Date,
  ): Promise<boolean>;
};

export function createMonitorStore(db: Database): MonitorStore {
  return {
    async ofAgent(agentId) {
      const rows = await db.workspaceAgentMonitor.findMany({ where: { agentId }, orderBy: { path: "asc" } });
      return rows.map(({ path, threshold, state, debouncedUntil }) => ({
        path,
        threshold,
        state: state === "NOK" ? "NOK" : "OK",
        debouncedUntil,
      }));
    },

    async change(agentId, { path, state: before }, state, debouncedUntil, now) {
      const { count } = await db.workspaceAgentMonitor.updateMany({
        where: { agentId, path, state: before },
        data: { state, debouncedUntil, updatedAt: now },
      });
      return count > 0;
    },
  };
}
