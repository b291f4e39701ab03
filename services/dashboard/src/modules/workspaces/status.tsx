import type { Workspace, WorkspaceStatus } from "@fleet/sdk";
import { Pill, type PillTone, STATE_OF_TONE } from "../ui/pill.js";
import type { StateName } from "../ui/state.js";

type Look = { label: string; tone: PillTone };

const STATUS: Record<WorkspaceStatus, Look> = {
  pending: { label: "Pending", tone: "busy" },
  starting: { label: "Starting", tone: "busy" },
  running: { label: "Running", tone: "ok" },
  stopping: { label: "Stopping", tone: "busy" },
  stopped: { label: "Stopped", tone: "idle" },
  failed: { label: "Failed", tone: "bad" },
  canceling: { label: "Canceling", tone: "busy" },
  canceled: { label: "Canceled", tone: "warn" },
  deleting: { label: "Deleting", tone: "busy" },
  deleted: { label: "Deleted", tone: "idle" },
};

/** A workspace's status: that of its build and, if it is running, of its agents. */
export function workspaceLook(workspace: Workspace): Look {
  const { status, resources } = workspace.latest_build;
  if (workspace.dormant_at && status === "stopped") return { label: "Dormant", tone: "dormant" };
  if (status !== "running") return STATUS[status];
  if (!workspace.health.healthy) return { label: "Unhealthy", tone: "warn" };
  const agents = resources.flatMap((resource) => resource.agents ?? []);
  // An agent that has not connected yet is not a failure.
  if (agents.some((agent) => agent.status === "connecting")) return { label: "Connecting", tone: "busy" };
  return STATUS.running;
}

/** The state as the tab's icon shows it. */
export function stateOf(workspace: Workspace): StateName {
  return STATE_OF_TONE[workspaceLook(workspace).tone];
}

export function WorkspaceStatusPill({ workspace }: { workspace: Workspace }) {
  const { label, tone } = workspaceLook(workspace);
  return <Pill tone={tone}>{label}</Pill>;
}
