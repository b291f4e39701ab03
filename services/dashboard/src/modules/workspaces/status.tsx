import type { Workspace, WorkspaceStatus } from "@fleet/sdk";
import { Pill, type PillTone } from "../ui/pill.js";

type Look = { label: string; tone: PillTone; explanation: string };

/** What each state is called, and what it means to somebody who waits. */
export const STATUS: Record<WorkspaceStatus, Look> = {
  pending: { label: "Pending", tone: "busy", explanation: "The build waits for a free provisioner." },
  starting: { label: "Starting", tone: "busy", explanation: "The resources are being made." },
  running: { label: "Running", tone: "ok", explanation: "The resources are up." },
  stopping: {
    label: "Stopping",
    tone: "busy",
    explanation: "The resources that do not last are being removed.",
  },
  stopped: { label: "Stopped", tone: "idle", explanation: "Start it to go on where you left off." },
  failed: { label: "Failed", tone: "bad", explanation: "The last build failed: read its log, then retry." },
  canceling: { label: "Canceling", tone: "busy", explanation: "The build is being called off." },
  canceled: { label: "Canceled", tone: "warn", explanation: "The last build was called off before its end." },
  deleting: { label: "Deleting", tone: "busy", explanation: "Everything in the workspace is being removed." },
  deleted: {
    label: "Deleted",
    tone: "idle",
    explanation: "The workspace is gone; its builds can still be read.",
  },
};

/** Running, but not well: an agent is away or its scripts failed. */
export function isUnhealthy(workspace: Workspace): boolean {
  return workspace.latest_build.status === "running" && !workspace.health.healthy;
}

export function WorkspaceStatusPill({ workspace }: { workspace: Workspace }) {
  if (workspace.dormant_at && workspace.latest_build.status === "stopped")
    return <Pill tone="warn">Dormant</Pill>;
  if (isUnhealthy(workspace)) return <Pill tone="warn">Unhealthy</Pill>;
  return <StatusPill status={workspace.latest_build.status} />;
}

export function StatusPill({ status }: { status: WorkspaceStatus }) {
  const { tone, label } = STATUS[status];
  return <Pill tone={tone}>{label}</Pill>;
}
