/** A log entry for a syslog server. */
export type SyslogMessage = {
  time: Date;
  hostname: string;
  /** What kind of entry: the MSGID. */
  kind: "audit" | "connection";
  data: unknown;
};

/** Facility "log audit" (13), severity "informational" (6): RFC 5424, section 6.2.1. */
const PRIORITY = 13 * 8 + 6;
const APP_NAME = "coder";
/** PROCID and structured data: none. */
const NIL = "-";

/** One message of RFC 5424, whose text is the entry as JSON on one line. */
export function formatSyslog({ time, hostname, kind, data }: SyslogMessage): string {
  const host = hostname.replace(/[^\x21-\x7e]/g, "").slice(0, 255) || NIL;
  const header = [`<${PRIORITY}>1`, time.toISOString(), host, APP_NAME, NIL, kind, NIL].join(" ");
  return `${header} ${JSON.stringify(data)}`;
}
