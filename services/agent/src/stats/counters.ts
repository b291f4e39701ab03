import type { Duplex } from "node:stream";

export type SessionKind = "ssh" | "vscode" | "jetbrains" | "reconnecting_pty";

/** What flows through the agent and who is there. Bytes count from one report to the next. */
export type Counters = {
  /** One more session of the kind; the result ends it. */
  begin(kind: SessionKind): () => void;
  /** Counts a stream's bytes, as long as it lives. */
  watch(kind: string, stream: Duplex): void;
  /** The present numbers, with the bytes since the last call. */
  take(): CountersReport;
};

export type CountersReport = {
  connectionsByProto: Record<string, bigint>;
  connectionCount: bigint;
  rxPackets: bigint;
  rxBytes: bigint;
  txPackets: bigint;
  txBytes: bigint;
  sessionCountVscode: bigint;
  sessionCountJetbrains: bigint;
  sessionCountReconnectingPty: bigint;
  sessionCountSsh: bigint;
};

export function createCounters(): Counters {
  const sessions: Record<SessionKind, number> = { ssh: 0, vscode: 0, jetbrains: 0, reconnecting_pty: 0 };
  const streams = new Map<string, number>();
  let rx = { packets: 0, bytes: 0 };
  let tx = { packets: 0, bytes: 0 };

  return {
    begin(kind) {
      sessions[kind]++;
      let ended = false;
      return () => {
        if (!ended) sessions[kind]--;
        ended = true;
      };
    },
    watch(kind, stream) {
      streams.set(kind, (streams.get(kind) ?? 0) + 1);
      const push = stream.push.bind(stream);
      stream.push = (chunk: Buffer | null) => {
        if (chunk) {
          rx.packets++;
          rx.bytes += chunk.length;
        }
        return push(chunk);
      };
      const write = stream.write.bind(stream) as (...args: unknown[]) => boolean;
      stream.write = ((chunk: string | Uint8Array, ...rest: unknown[]) => {
        tx.packets++;
        tx.bytes += chunk.length;
        return write(chunk, ...rest);
      }) as typeof stream.write;
      stream.once("close", () => {
        const left = streams.get(kind)! - 1;
        if (left > 0) streams.set(kind, left);
        else streams.delete(kind);
      });
    },
    take() {
      const count = [...streams.values()].reduce((sum, each) => sum + each, 0);
      const report = {
        connectionsByProto: Object.fromEntries([...streams].map(([kind, each]) => [kind, BigInt(each)])),
        connectionCount: BigInt(count),
        rxPackets: BigInt(rx.packets),
        rxBytes: BigInt(rx.bytes),
        txPackets: BigInt(tx.packets),
        txBytes: BigInt(tx.bytes),
        sessionCountVscode: BigInt(sessions.vscode),
        sessionCountJetbrains: BigInt(sessions.jetbrains),
        sessionCountReconnectingPty: BigInt(sessions.reconnecting_pty),
        sessionCountSsh: BigInt(sessions.ssh),
      };
      rx = { packets: 0, bytes: 0 };
      tx = { packets: 0, bytes: 0 };
      return report;
    },
  };
}
