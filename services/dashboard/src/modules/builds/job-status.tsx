import type { ProvisionerJobStatus } from "@fleet/sdk";
import { Pill } from "../ui/pill.js";

const LOOKS = {
  pending: { tone: "busy", label: "Pending" },
  running: { tone: "busy", label: "Running" },
  succeeded: { tone: "ok", label: "Succeeded" },
  canceling: { tone: "busy", label: "Canceling" },
  canceled: { tone: "warn", label: "Canceled" },
  failed: { tone: "bad", label: "Failed" },
  unknown: { tone: "idle", label: "Unknown" },
} as const satisfies Record<ProvisionerJobStatus, { tone: string; label: string }>;

/** Status of a job. */
export function JobStatusPill({ status }: { status: ProvisionerJobStatus }) {
  const { tone, label } = LOOKS[status];
  return <Pill tone={tone}>{label}</Pill>;
}
