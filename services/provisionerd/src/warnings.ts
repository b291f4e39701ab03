import type { DaemonWarning } from "@fleet/proto-gen/provisioner";

/** A problem of the daemon: sent to coderd with each heartbeat, and shown in the health report. */
export type Warning = Pick<DaemonWarning, "code" | "message">;

/** Warning codes of the health report's provisioner section; the first three are the same as coderd's. */
export const WARNING_CODES = {
  namespaceWithoutRights: "EPD04",
  sourceAway: "EPD05",
  engineOutdated: "EPD06",
  notIsolated: "EPD07",
} as const;
