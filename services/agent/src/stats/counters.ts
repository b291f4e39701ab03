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
  /** Counts a session; the returned function ends it. While nobody is present, it does not count as workspace usage. */
  begin(kind: SessionKind, isPresent?: () => boolean): () => void;
  /** Counts a stream as a connection while it is open. */
  watch(kind: string, stream: Duplex): void;
  /** Counts the tunnel's bytes from now on; the returned function stops that. */
  carry(tunnel: Carrier): () => void;
  /** The current numbers, with the bytes since the last call. */
  take(): CountersReport;
};

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
};

export function createCounters(): Counters {
  const sessions = new Set<{ kind: SessionKind; isPresent: () => boolean }>();
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
      const session = { kind, isPresent };
      sessions.add(session);
      return () => void sessions.delete(session);
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
      };
      rxBytes = 0;
      txBytes = 0;
      return report;
    },
  };
}
