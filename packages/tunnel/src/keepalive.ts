import { type Clock, FleetError } from "@fleet/base";
import type { TunnelLimits } from "./limits.js";

/** The path's round trip is the minimum of this many pings: queues only ever add to it. */
const RTT_SAMPLES = 8;
const MAX_PINGS = 64;

export type Keepalive = {
  /** Called when anything arrives from the peer. */
  heard(): void;
  /** Resolves to the round trip in milliseconds. Rejects if the tunnel closes, or with 64 pings in flight. */
  ping(): Promise<number>;
  pong(payload: Buffer): void;
  /** The minimum recent round trip, in milliseconds; 0 while unknown. */
  rttMs(): number;
  stop(error: FleetError): void;
};

export type KeepaliveOptions = {
  clock: Clock;
  now(): number;
  limits: Pick<TunnelLimits, "keepaliveMs" | "deadAfterMs">;
  send(payload: Buffer): void;
  onDead(): void;
};

type Ping = { sentMs: number; settled: PromiseWithResolvers<number> };

/** Sends a ping at each keepalive, measures the round trip, and reports when the peer has been silent for too long. */
export function createKeepalive({ clock, now, limits, send, onDead }: KeepaliveOptions): Keepalive {
  const pings = new Map<number, Ping>();
  const samples: number[] = [];
  let sequence = 0;
  let heard = false;
  let quietMs = 0;
  let stopped: FleetError | undefined;

  const timer = clock.every(limits.keepaliveMs, () => {
    quietMs = heard ? 0 : quietMs + limits.keepaliveMs;
    heard = false;
    if (quietMs >= limits.deadAfterMs) return onDead();
    ping().catch(() => {}); // a lost ping shows as silence
  });

  function ping(): Promise<number> {
    if (stopped) return Promise.reject(stopped);
    if (pings.size >= MAX_PINGS) {
      return Promise.reject(new FleetError("resource_exhausted", "64 pings are already in progress."));
    }
    const settled = Promise.withResolvers<number>();
    pings.set(++sequence, { sentMs: now(), settled });
    const payload = Buffer.alloc(8);
    payload.writeUInt32BE(sequence >>> 0, 4);
    send(payload);
    return settled.promise;
  }

  return {
    heard() {
      heard = true;
    },
    ping,
    pong(payload) {
      const number = payload.readUInt32BE(4);
      const answered = pings.get(number);
      if (!answered) return;
      pings.delete(number);
      const rttMs = now() - answered.sentMs;
      if (samples.push(rttMs) > RTT_SAMPLES) samples.shift();
      answered.settled.resolve(rttMs);
    },
    rttMs: () => (samples.length === 0 ? 0 : Math.min(...samples)),
    stop(error) {
      stopped = error;
      timer.cancel();
      for (const { settled } of pings.values()) settled.reject(error);
      pings.clear();
    },
  };
}
