import { randomUUID } from "node:crypto";
import type { Clock } from "@fleet/base";
import type { Reports } from "../uplink/reports.js";
import type { Counters, SessionCarrier, SessionKind, StartedSession } from "./counters.js";

/** Counts each session that starts, and reports its start and end. */
export function createSessionRecorder({
  counters,
  reports,
  clock,
}: {
  counters: Counters;
  reports: Pick<Reports, "connection">;
  clock: Clock;
}): (type: SessionKind, carrier: SessionCarrier) => StartedSession {
  return (type, { isPresent, connection }) => {
    const { input, forwarded, end } = counters.begin(type, isPresent);
    const connectionId = randomUUID();
    const report = (action: "connect" | "disconnect", exitCode?: number) =>
      reports.connection({
        ...{ connectionId, streamId: connection(), action, type, at: clock.now(), exitCode },
      });
    report("connect");
    return {
      moved: () => report("connect"),
      input,
      forwarded,
      end(exitCode) {
        end();
        report("disconnect", exitCode);
      },
    };
  };
}
