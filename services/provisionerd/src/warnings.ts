import type { DaemonWarning } from "@fleet/proto-gen/provisioner";

/** What keeps the daemon from its work: coderd hears of it with each heartbeat, and shows it in the health report. */
export type Warning = Pick<DaemonWarning, "code" | "message">;

/** Codes of the report's section for provisioner daemons; the first three are coderd's own. */
export const WARNING_CODES = { namespaceWithoutRights: "EPD04", sourceAway: "EPD05" } as const;
