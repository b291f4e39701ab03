import type { BuildTransition } from "../database/gen/enums.js";
import type { JobStatus } from "../provisionerjobs/status.js";

export type WorkspaceStatus =
  | "pending"
  | "starting"
  | "running"
  | "stopping"
  | "stopped"
  | "failed"
  | "canceling"
  | "canceled"
  | "deleting"
  | "deleted";

export const WORKSPACE_STATUSES: readonly WorkspaceStatus[] = [
  "pending",
  "starting",
  "running",
  "stopping",
  "stopped",
  "failed",
  "canceling",
  "canceled",
  "deleting",
  "deleted",
];

/** A workspace's status, from its latest build's transition and job status. */
export function workspaceStatus(transition: BuildTransition, job: JobStatus): WorkspaceStatus {
  switch (job) {
    case "pending":
    case "failed":
    case "canceling":
    case "canceled":
      return job;
    case "running":
      return ({ start: "starting", stop: "stopping", delete: "deleting" } as const)[transition];
    case "succeeded":
      return ({ start: "running", stop: "stopped", delete: "deleted" } as const)[transition];
  }
}
