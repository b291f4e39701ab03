import type { Duplex } from "node:stream";

export type SessionKind = "ssh" | "vscode" | "jetbrains" | "reconnecting_pty";

/** What a tunnel tells of itself: bytes since it began, and its round trip, 0 while unknown. */
type Carrier = { stats(): { bytesIn: number; bytesOut: number; rttMs: number } };

/** What flows through the agent and who is there. */
export type Counters = {
  /** One more session of the kind; the result ends it. While nobody is present, it is no use of the workspace. */
  begin(kind: SessionKind, isPresent?: () => boolean): () => void;
  /** Counts a stream among the connections, as long as it lives. */
  watch(kind: string, stream: Duplex): void;
  /** Counts the tunnel's bytes from here on; the result lets it go. */
  carry(tunnel: Carrier): () => void;
  /** The present numbers, with the bytes since the last call. */
  take(): CountersReport;
};

/** A multiplexer has no packets to count: those fields of the report stay 0. */
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
