import type { Clock } from "@fleet/base";
import type { Channel } from "../deliveries/dispatcher.js";
import type { Deliveries } from "../deliveries/service.js";
import { formatSyslog, type SyslogMessage } from "./message.js";
import { createSyslogTransport } from "./transport.js";

/** Sends entries of the audit and connection logs to the operator's syslog server. */
export type Syslog = {
  /** Stores the entry to be sent, in the current unit of work. Each id is sent once for each event. */
  publish(entries: readonly SyslogEntry[]): Promise<void>;
  readonly channel: Channel;
  close(): void;
};

export type SyslogEntry = {
  kind: SyslogMessage["kind"];
  id: string;
  event: string;
  time: Date;
  data: unknown;
};

const CHANNEL = "syslog";
/** How often a server that is away is tried. */
const AWAY_MS = 10_000;

export function createSyslog(options: {
  server: URL;
  deliveries: Pick<Deliveries, "enqueue">;
  hostname: string;
  clock: Clock;
}): Syslog {
  const { server, deliveries, hostname, clock } = options;
  let awayUntilMs = 0;
  const transport = createSyslogTransport(server);
  return {
    publish: (entries) =>
      deliveries.enqueue(
        entries.map(({ kind, id, event, time, data }) => ({
          destination: CHANNEL,
          subject: `${kind} ${event}`,
          payload: { kind, time: time.toISOString(), data },
          dedupeKey: `${CHANNEL}:${kind}:${id}:${event}`,
        })),
      ),
    channel: {
      name: CHANNEL,
      // Over one connection, the oldest first.
      parallel: 1,
      patienceMs: AWAY_MS,
      paused: async () => clock.now().getTime() < awayUntilMs,
      async send({ payload }, signal) {
        const { kind, time, data } = payload as { kind: SyslogMessage["kind"]; time: string; data: unknown };
        try {
          await transport.send(formatSyslog({ kind, time: new Date(time), hostname, data }), signal);
        } catch (error) {
          // The others wait, too, so that a server that is away is tried once.
          awayUntilMs = clock.now().getTime() + AWAY_MS;
          throw error;
        }
      },
    },
    close: () => transport.close(),
  };
}
