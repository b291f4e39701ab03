import type { SyslogEntry } from "../syslog/service.js";
import type { ConnectionRow } from "./store.js";

/** The start or the end of a connection, for receivers outside. */
export function toSyslogEntry(row: ConnectionRow): SyslogEntry {
  const { connectionId, connectedAt, disconnectedAt } = row;
  const event = disconnectedAt ? "disconnect" : "connect";
  return {
    kind: "connection",
    id: connectionId,
    event,
    time: disconnectedAt ?? connectedAt,
    data: { event, ...row },
  };
}
