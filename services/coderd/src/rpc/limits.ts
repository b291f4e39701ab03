import { FleetError } from "@fleet/base";

/** A session or upload without a message for this long is closed, whatever the state of its TCP connection. */
export const SILENCE_MS = 30_000;
/** Maximum jobs or archives per call. */
const PER_CALL = 100;

export function requireFew(items: readonly unknown[]): void {
  if (items.length <= PER_CALL) return;
  throw new FleetError("invalid_argument", `A call can name at most ${PER_CALL} jobs or archives.`);
}

export function silent(): FleetError {
  return new FleetError("deadline_exceeded", "The provisioner sent nothing in time. Reconnect.");
}
