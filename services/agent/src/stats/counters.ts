import type { Duplex } from "node:stream";

export type SessionKind = "ssh" | "vscode" | "jetbrains" | "reconnecting_pty";

/** A tunnel's total bytes and its round-trip time, 0 if unknown. */
type Carrier = { stats(): { bytesIn: number; bytesOut: number; rttMs: number } };

/** What carries a session: the connections of its client, one after another. */
export type SessionCarrier = {
  /** False while its client is disconnected. */
  isPresent(): boolean;
  /** The present connection, by the name that its proxy gave it; empty if it gave none. */
  connection(): string;
};

/** Counts the agent's traffic and sessions. */
export type Counters = {
  /** Counts a session. While nobody is present, it does not count as workspace usage. */
  begin(kind: SessionKind, isPresent?: () => boolean): CountedSession;
  /** Counts a stream as a connection while it is open. */
  watch(kind: string, stream: Duplex): void;
  /** Counts the tunnel's bytes from now on; the returned function stops that. */
  carry(tunnel: Carrier): () => void;
  /** The current numbers, with the bytes since the last call. */
  take(): CountersReport;
};

export type CountedSession = {
  end(): void;
  /** The user sent something. */
  input(): void;
  /** The client sent so many bytes on a forwarded connection. */
  forwarded(bytes: number): void;
};

/**
 * Editors send their user's input over forwarded connections, on which they also keep themselves alive. An idle VS Code
 * sends about 300 bytes in 30 s; typing, far more than this.
 */
const FORWARDED_INPUT_BYTES = 4_096;

/** Packets are not counted, because the transport is a byte stream: those fields of the report stay 0. */
export type CountersReport = {
  connectionsByProto: Record<string, bigint>;
  connectionCount: bigint;
  connectionMedianLatencyMs: number;
  rxBytes: bigint;
  txBytes: bigint;
  sessionCountVscode: bigint;
  sessionCountJetbrains: bigint;
  sessionCountReconnectingPty: bigint;
  sessionCountSsh: bigint;
  /** The kinds of sessions whose users sent something since the last call. */
  sessionsWithInput: SessionKind[];
};

type Session = { kind: SessionKind; isPresent: () => boolean; hadInput: boolean; forwardedBytes: number };

/** Gets what happens to a session after its start. */
export type StartedSession = {
  /** Another connection carries it from now on. */
  moved(): void;
  /** Its client sent something, or so many bytes on a connection that it forwards. */
  input(): void;
  forwarded(bytes: number): void;
  /** With the exit code of its program, if it had one and has ended. */
  end(exitCode?: number): void;
};

export function createCounters(): Counters {
  const sessions = new Set<Session>();
  /** Kinds of ended sessions that had input since the last call. */
  const ended = new Set<SessionKind>();
  const hadInput = (session: Session) => session.hadInput || session.forwardedBytes >= FORWARDED_INPUT_BYTES;
  const streams = new Map<string, number>();
  const carriers = new Map<Carrier, { bytesIn: number; bytesOut: number }>();
  let rxBytes = 0;
  let txBytes = 0;

  function read(carrier: Carrier): void {
    const before = carriers.get(carrier)!;
    const { bytesIn, bytesOut } = carrier.stats();
    rxBytes += bytesIn - before.bytesIn;
    txBytes += bytesOut - before.bytesOut;
    carriers.set(carrier, { bytesIn, bytesOut });
  }

  return {
    begin(kind, isPresent = () => true) {
      const session: Session = { kind, isPresent, hadInput: false, forwardedBytes: 0 };
      sessions.add(session);
      return {
        end() {
          if (sessions.delete(session) && hadInput(session)) ended.add(kind);
        },
        input() {
          session.hadInput = true;
        },
        forwarded(bytes) {
          session.forwardedBytes += bytes;
        },
      };
    },
    watch(kind, stream) {
      streams.set(kind, (streams.get(kind) ?? 0) + 1);
      stream.once("close", () => {
        const left = streams.get(kind)! - 1;
        if (left > 0) streams.set(kind, left);
        else streams.delete(kind);
      });
    },
    carry(tunnel) {
      carriers.set(tunnel, { bytesIn: 0, bytesOut: 0 });
      return () => {
        read(tunnel);
        carriers.delete(tunnel);
      };
    },
    take() {
      for (const carrier of carriers.keys()) read(carrier);
      const roundTrips = [...carriers.keys()].map((carrier) => carrier.stats().rttMs).filter((ms) => ms > 0);
      const count = [...streams.values()].reduce((sum, each) => sum + each, 0);
      const present = (kind: SessionKind) =>
        BigInt([...sessions].filter((session) => session.kind === kind && session.isPresent()).length);
      const report = {
        connectionsByProto: Object.fromEntries([...streams].map(([kind, each]) => [kind, BigInt(each)])),
        connectionCount: BigInt(count),
        connectionMedianLatencyMs: roundTrips.at(-1) ?? 0,
        rxBytes: BigInt(rxBytes),
        txBytes: BigInt(txBytes),
        sessionCountVscode: present("vscode"),
        sessionCountJetbrains: present("jetbrains"),
        sessionCountReconnectingPty: present("reconnecting_pty"),
        sessionCountSsh: present("ssh"),
        sessionsWithInput: [
          ...new Set([...ended, ...[...sessions].filter(hadInput).map(({ kind }) => kind)]),
        ],
      };
      ended.clear();
      for (const session of sessions) Object.assign(session, { hadInput: false, forwardedBytes: 0 });
      rxBytes = 0;
      txBytes = 0;
      return report;
    },
  };
}
