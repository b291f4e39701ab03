import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { type Clock, errorMessage, isFleetError, type Logger } from "@fleet/base";
import { LIMITS } from "../limits.js";
import type { Coderd } from "../session/coderd.js";

export type ConnectionFacts = {
  type: "ssh" | "reconnecting_pty" | "port_forwarding" | "workspace_app";
  agentId: string;
  workspaceId: string;
  /** Empty for a visitor of a public app. */
  userId: string;
  /** The client's IP address. */
  ip: string;
  userAgent: string;
  /** Of an app; the target of a port forward. */
  slugOrPort: string;
};

export type LoggedConnection = {
  /** Its name in the log; the agent reports its sessions under it. */
  readonly id: string;
  /** Records the end, with the reason if it did not end in order. Later calls do nothing. */
  end(reason?: string): void;
};

/** Reports to coderd's connection log who was connected to which agent, from where, and how long. */
export type ConnectionLog = {
  /** Records the start of a connection. */
  begin(facts: ConnectionFacts): LoggedConnection;
  /**
   * Records the use of an app; the returned function ends it. The requests and WebSockets of a user from one address
   * and program are one connection, until the app has not been used for a while.
   */
  visit(facts: ConnectionFacts): () => void;
  /** Ends what is open and reports it. */
  close(): Promise<void>;
};

type Report = ConnectionFacts & {
  connectionId: string;
  connectedAtMs: bigint;
  disconnectedAtMs: bigint;
  reason: string;
};

type Visit = { connection: LoggedConnection & { endAt(ms: number): void }; open: number; lastMs: number };

export function createConnectionLog(options: {
  coderd: Pick<Coderd, "reportConnections">;
  replicaId: string;
  clock: Clock;
  log: Logger;
}): ConnectionLog {
  const { coderd, replicaId, clock, log } = options;
  /** What coderd has not been told, by connection: the oldest first. */
  const waiting = new Map<string, Report>();
  const open = new Set<Visit["connection"]>();
  /** The longest unused first. */
  const visits = new Map<string, Visit>();
  let sending: Promise<void> | undefined;
  let reportedMs = 0;
  const nowMs = () => clock.now().getTime();
  const timer = clock.every(LIMITS.connectionReportMs, () => {
    endUnused();
    const due = waiting.size > 0 || nowMs() - reportedMs >= LIMITS.connectionsAliveMs;
    if (due && !sending)
      sending = send().finally(() => {
        sending = undefined;
      });
  });

  function report(connection: Report): void {
    // The start of a connection that has also ended since is not reported alone.
    waiting.delete(connection.connectionId);
    waiting.set(connection.connectionId, connection);
    if (waiting.size <= LIMITS.connectionsWaiting) return;
    const [oldest] = waiting.keys();
    waiting.delete(oldest!);
    log.warn("A connection is missing in the log: coderd did not take reports.", { connectionId: oldest });
  }

  /** Also without connections: it tells that those reported before are still open. */
  async function send(): Promise<void> {
    const connections = [...waiting.values()].slice(0, LIMITS.connectionsPerReport);
    try {
      await coderd.reportConnections({ replicaId, connections });
      reportedMs = nowMs();
    } catch (error) {
      const kept = isFleetError(error, "unavailable", "deadline_exceeded");
      // A coderd of an earlier release does not know the call.
      const level = isFleetError(error, "unimplemented") ? "debug" : "warn";
      log[level]("Failed to report connections.", { reason: errorMessage(error), kept });
      // coderd would reject the same report again.
      if (kept) return;
    }
    for (const sent of connections)
      if (waiting.get(sent.connectionId) === sent) waiting.delete(sent.connectionId);
  }

  function begin(facts: ConnectionFacts): Visit["connection"] {
    const userAgent = facts.userAgent.slice(0, LIMITS.userAgentLength);
    const connectionId = randomUUID();
    const state = { ...facts, userAgent, connectionId, connectedAtMs: BigInt(nowMs()) };
    report({ ...state, disconnectedAtMs: 0n, reason: "" });
    function endAt(ms: number, reason = ""): void {
      if (open.delete(connection)) report({ ...state, disconnectedAtMs: BigInt(ms), reason });
    }
    const connection = {
      id: connectionId,
      end: (reason?: string) => endAt(nowMs(), reason),
      endAt,
    };
    open.add(connection);
    return connection;
  }

  function endVisit(key: string, visit: Visit): void {
    visits.delete(key);
    visit.connection.endAt(visit.lastMs);
  }

  function endUnused(): void {
    const since = nowMs() - LIMITS.visitIdleMs;
    for (const [key, visit] of visits) if (visit.open === 0 && visit.lastMs <= since) endVisit(key, visit);
  }

  return {
    begin,
    visit(facts) {
      const { userId, ip, agentId, slugOrPort, userAgent } = facts;
      const key = JSON.stringify([userId, ip, agentId, slugOrPort, userAgent]);
      const visit = visits.get(key) ?? { connection: begin(facts), open: 0, lastMs: 0 };
      visit.open += 1;
      visit.lastMs = nowMs();
      visits.delete(key);
      visits.set(key, visit);
      if (visits.size > LIMITS.visits) endVisit(...visits.entries().next().value!);
      return () => {
        visit.open -= 1;
        visit.lastMs = nowMs();
      };
    },
    async close() {
      timer.cancel();
      for (const [key, visit] of [...visits]) endVisit(key, visit);
      for (const connection of [...open]) connection.end("The proxy was shut down.");
      await sending;
      while (waiting.size > 0) {
        const before = waiting.size;
        await send();
        if (waiting.size === before) return; // coderd is not there.
      }
    },
  };
}

/** The client's program, as it names itself. */
export function userAgentOf({ headers }: Pick<IncomingMessage, "headers">): string {
  return headers["user-agent"] ?? "";
}
