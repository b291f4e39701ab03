import type { Workspace, WorkspaceStatus } from "@fleet/sdk";
import { Pill, type PillTone } from "../ui/pill.js";

type Look = { label: string; tone: PillTone; explanation: string };

/** Label of each status and, where the label is not enough, an explanation. */
export const STATUS: Record<WorkspaceStatus, Look> = {
  pending: { label: "Pending", tone: "busy", explanation: "Waiting for a provisioner." },
  starting: { label: "Starting", tone: "busy", explanation: "Creating the workspace's resources." },
  running: { label: "Running", tone: "ok", explanation: "" },
  stopping: { label: "Stopping", tone: "busy", explanation: "Removing resources that are not persistent." },
  stopped: { label: "Stopped", tone: "idle", explanation: "Start the workspace to use it." },
  failed: { label: "Failed", tone: "bad", explanation: "" },
  canceling: { label: "Canceling", tone: "busy", explanation: "Canceling the build." },
  canceled: { label: "Canceled", tone: "warn", explanation: "" },
  deleting: { label: "Deleting", tone: "busy", explanation: "Removing the workspace's resources." },
  deleted: { label: "Deleted", tone: "idle", explanation: "" },
};

/** A workspace's status: that of its build and, if it is running, of its agents. */
export function workspaceLook(workspace: Workspace): Pick<Look, "label" | "tone"> {
  const { status, resources } = workspace.latest_build;
  if (workspace.dormant_at && status === "stopped") return { label: "Dormant", tone: "warn" };
  if (status !== "running") return STATUS[status];
  if (!workspace.health.healthy) return { label: "Unhealthy", tone: "warn" };
  const agents = resources.flatMap((resource) => resource.agents ?? []);
  // An agent that has not connected yet is not a failure.
  if (agents.some((agent) => agent.status === "connecting")) return { label: "Connecting", tone: "busy" };
  return STATUS.running;
}

export function WorkspaceStatusPill({ workspace }: { workspace: Workspace }) {
  const { label, tone } = workspaceLook(workspace);
  return <Pill tone={tone}>{label}</Pill>;
}
