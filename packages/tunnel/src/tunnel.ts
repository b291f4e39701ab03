import type { Duplex } from "node:stream";
import { abortError, type Clock, FleetError, isFleetError, systemClock } from "@fleet/base";
import {
  decodeGoaway,
  decodeHello,
  decodeReset,
  encodeFrame,
  encodeGoaway,
  encodeHello,
  encodeReset,
  FRAME,
  type FrameType,
} from "./frame.js";
import { decodeStreamHeader, encodeStreamHeader, type StreamHeader } from "./header.js";
import { createKeepalive } from "./keepalive.js";
import { DEFAULT_LIMITS, type TunnelLimits } from "./limits.js";
import { createOutbox, type Outbox } from "./outbox.js";
import { createFrameParser } from "./parser.js";
import { isReset, StreamReset } from "./reset.js";
import { type MuxStream, type PendingStream, pendingStream, type TunnelStream } from "./stream.js";
import { createStreamTable } from "./stream-table.js";

const NO_HELLO = "The peer did not start with a single hello frame.";
const DRAINING = "The tunnel is draining. Use another one.";

export type TunnelOptions = {
  /** Determines whose streams are odd. One end is the client, the other the server, whoever dialed. */
  role: "client" | "server";
  clock?: Clock;
  /** Monotonic milliseconds with a fraction, for round trips and rates. */
  monotonic?: () => number;
  limits?: Partial<TunnelLimits>;
  /** The peer opened a stream. Accept it or refuse it, now or later. If omitted, every stream is refused. */
  onStream?(stream: PendingStream): void;
  /**
   * The peer is draining: it accepts no more streams and closes after the current ones. Dial another tunnel now. The
   * message, which may be empty, is for users of the current streams.
   */
  onDrain?(message: string): void;
};

export type TunnelCloseReason = {
  code: "closed" | "drained" | "peer_closed" | "peer_dead" | "protocol_error" | "transport_error";
  /** A sentence for a log line. */
  message: string;
};

function tunnelClosed({ message }: TunnelCloseReason): FleetError {
  return new StreamReset("tunnel_closed", "unavailable", `The tunnel is closed. ${message}`);
}

/** Tells what a stream fails with when a tunnel that carries it closes, be it one further on, from all other errors. */
export function isTunnelClosed(error: unknown): boolean {
  return isReset(error, "tunnel_closed");
}

export type TunnelStats = {
  streams: number;
  /** Bytes on the transport, headers included. */
  bytesIn: number;
  bytesOut: number;
  /** The minimum recent round trip; 0 while unknown. */
  rttMs: number;
};

export interface Tunnel extends Disposable {
  /** Opens a stream and waits until the peer accepts. Rejects with the peer's FleetError if it refuses. */
  open(header: StreamHeader, options?: { signal?: AbortSignal }): Promise<TunnelStream>;
  /**
   * Opens a stream that may be written to before the peer accepts, so that a short exchange costs one round trip. A
   * refusal destroys it with the peer's FleetError. Throws `unavailable` if the tunnel accepts no streams.
   */
  openNow(header: StreamHeader): TunnelStream;
  ping(): Promise<number>;
  /**
   * Asks the peer to dial another tunnel (its `onDrain`), and to open no more streams on this one. This end may go on
   * opening them, so that nothing is out of reach until the other tunnel is there; `drain` comes after.
   */
  retire(message?: string): void;
  /** Refuses further streams on both ends, lets the current ones finish, then closes. Resolves when closed. */
  drain(message?: string): Promise<TunnelCloseReason>;
  readonly draining: boolean;
  readonly closed: Promise<TunnelCloseReason>;
  /** Tells the peer, destroys every stream with `unavailable`, and ends the transport. */
  close(message?: string): void;
  stats(): TunnelStats;
}

/** Runs a tunnel over the transport, which it owns from here on. The other end must do the same in the other role. */
export function createTunnel(transport: Duplex, options: TunnelOptions): Tunnel {
  const { role, clock = systemClock, monotonic = () => performance.now(), onStream, onDrain } = options;
  const limits: TunnelLimits = { ...DEFAULT_LIMITS, ...options.limits };
  const closing = Promise.withResolvers<TunnelCloseReason>();
  let ended: TunnelCloseReason | undefined;
  let peerWindow: number | undefined; // known from the peer's hello on
  let retired = false;
  let draining = false;
  let peerDraining = false;
  let bytesIn = 0;

  const outbox = createOutbox({
    transport,
    limits,
    onOverflow: () => fail("The peer sends control frames faster than it reads responses."),
  });
  const keepalive = createKeepalive({
    clock,
    now: monotonic,
    limits,
    send: (payload) => outbox.control(encodeFrame(FRAME.ping, 0, payload)),
    onDead: () => {
      const seconds = limits.deadAfterMs / 1000;
      end({ code: "peer_dead", message: `Nothing received from the peer for ${seconds} seconds.` });
    },
  });
  const parser = createFrameParser({ onFrame, onData, onMalformed: fail });
  const streams = createStreamTable({
    role,
    limits,
    outbox,
    baseRttMs: keepalive.rttMs,
    now: monotonic,
    onRemoved: endWhenDrained,
  });

  /** The living stream. One that is gone gives undefined, for late frames mean nothing; one that never was is an error. */
  function lookUp(id: number): MuxStream | undefined {
    const stream = streams.get(id);
    if (!stream && !streams.wasOpened(id)) {
      fail(`The peer used stream ${id}, which was never opened.`);
    }
    return stream;
  }

  function onChunk(chunk: Buffer): void {
    bytesIn += chunk.length;
    keepalive.heard();
    parser.push(chunk);
  }

  function onData(id: number, piece: Buffer): void {
    const problem = peerWindow === undefined ? NO_HELLO : lookUp(id)?.receiveData(piece);
    if (problem) fail(problem);
  }

  function onFrame(type: FrameType, id: number, payload: Buffer): void {
    const problem =
      (peerWindow === undefined) !== (type === FRAME.hello) ? NO_HELLO : handle(type, id, payload);
    if (problem) fail(problem);
  }

  /** Handles the frame; returns a description of any error. */
  function handle(type: FrameType, id: number, payload: Buffer): string | undefined {
    switch (type) {
      case FRAME.hello:
        return onHello(payload);
      case FRAME.open:
        return onOpen(id, payload);
      case FRAME.accept:
        lookUp(id)?.markAccepted();
        break;
      case FRAME.window:
        lookUp(id)?.receiveCredit(payload.readUInt32BE(0));
        break;
      case FRAME.fin:
        return lookUp(id)?.receiveFin();
      case FRAME.rst:
        lookUp(id)?.receiveReset(decodeReset(payload));
        break;
      case FRAME.ping:
        outbox.control(encodeFrame(FRAME.pong, 0, payload));
        break;
      case FRAME.pong:
        keepalive.pong(payload);
        break;
      case FRAME.goaway:
        onGoaway(payload);
        break;
    }
    return undefined;
  }

  function onHello(payload: Buffer): string | undefined {
    const hello = decodeHello(payload);
    if ("unusable" in hello) return hello.unusable;
    peerWindow = hello.initialWindow;
    for (const stream of streams) stream.receiveCredit(peerWindow);
    keepalive.ping().catch(() => {});
    return undefined;
  }

  function onOpen(id: number, payload: Buffer): string | undefined {
    if (!streams.takePeerId(id)) return `The peer opened stream ${id} out of order.`;
    const header = decodeStreamHeader(payload);
    const refusal = refusalOf(header, {
      served: onStream !== undefined,
      draining,
      carried: streams.peerSize,
      limits,
    });
    if (refusal) {
      outbox.control(encodeReset(id, refusal));
      return undefined;
    }
    const stream = streams.addPeer(id, header!, peerWindow!);
    offer(stream, outbox, onStream!);
    return undefined;
  }

  function onGoaway(payload: Buffer): void {
    const { kind, message } = decodeGoaway(payload);
    if (kind === "close") {
      end({ code: "peer_closed", message: message || "The peer closed the tunnel." });
    } else if (!peerDraining) {
      peerDraining = true;
      onDrain?.(message);
    }
  }

  function endWhenDrained(): void {
    if (draining && streams.size === 0) {
      end({ code: "drained", message: "The tunnel has drained." });
    }
  }

  function fail(message: string): void {
    end({ code: "protocol_error", message });
  }

  function end(reason: TunnelCloseReason): void {
    if (ended) return;
    ended = reason;
    parser.stop();
    const error = tunnelClosed(reason);
    keepalive.stop(error);
    if (reason.code !== "peer_closed" && reason.code !== "transport_error") {
      outbox.control(encodeGoaway("close", reason.message));
    }
    outbox.finish();
    for (const stream of streams) stream.abandon(error);
    endTransport(transport, reason, clock, limits);
    closing.resolve(reason);
  }

  function openNow(header: StreamHeader): MuxStream {
    if (ended) throw tunnelClosed(ended);
    if (draining || peerDraining) {
      throw new FleetError("unavailable", DRAINING);
    }
    const payload = encodeStreamHeader(header);
    const stream = streams.addOwn(header, peerWindow ?? 0);
    outbox.control(encodeFrame(FRAME.open, stream.id, payload));
    return stream;
  }

  listen(transport, { onChunk, end });
  outbox.control(encodeHello(limits.initialWindow));

  function retire(message = ""): void {
    if (retired || ended) return;
    retired = true;
    outbox.control(encodeGoaway("drain", message));
  }

  const close = (message = "The tunnel was closed.") => end({ code: "closed", message });
  return {
    open: (header, { signal } = {}) => openAccepted(openNow, header, signal),
    openNow,
    ping: () => keepalive.ping(),
    retire,
    drain(message = "") {
      if (!draining && !ended) {
        retire(message);
        draining = true;
        endWhenDrained();
      }
      return closing.promise;
    },
    get draining() {
      return draining || peerDraining;
    },
    closed: closing.promise,
    close,
    stats: () => ({ streams: streams.size, bytesIn, bytesOut: outbox.bytes, rttMs: keepalive.rttMs() }),
    [Symbol.dispose]: () => close(),
  };
}

/** Opens a stream and waits until the peer accepts it, or the signal aborts. */
async function openAccepted(
  openNow: (header: StreamHeader) => MuxStream,
  header: StreamHeader,
  signal: AbortSignal | undefined,
): Promise<TunnelStream> {
  if (signal?.aborted) throw abortError(signal);
  const stream = openNow(header);
  const onAbort = () => stream.destroy(abortError(signal!));
  signal?.addEventListener("abort", onAbort, { once: true });
  try {
    await stream.accepted;
    return stream;
  } finally {
    signal?.removeEventListener("abort", onAbort);
  }
}

/** Why a stream that the peer opens is refused, if it is. */
function refusalOf(
  header: StreamHeader | undefined,
  tunnel: { served: boolean; draining: boolean; carried: number; limits: TunnelLimits },
): FleetError | undefined {
  const { limits } = tunnel;
  if (!tunnel.served) return new FleetError("unimplemented", "This end accepts no streams.");
  if (!header) return new FleetError("invalid_argument", "Invalid stream header.");
  if (tunnel.draining) return new FleetError("unavailable", DRAINING);
  if (tunnel.carried < limits.maxStreams) return undefined;
  return new FleetError(
    "resource_exhausted",
    `The tunnel has ${limits.maxStreams} open streams, which is the limit. Close some, then try again.`,
  );
}

function listen(
  transport: Duplex,
  { onChunk, end }: { onChunk(chunk: Buffer): void; end(reason: TunnelCloseReason): void },
): void {
  transport.on("data", onChunk);
  transport.on("end", () => end({ code: "peer_closed", message: "The peer ended the connection." }));
  transport.on("close", () => end({ code: "transport_error", message: "The connection was lost." }));
  transport.on("error", (error) =>
    end({ code: "transport_error", message: `The connection broke: ${error.message}.` }),
  );
}

/** Passes a stream opened by the peer to its handler. */
function offer(stream: MuxStream, outbox: Outbox, onStream: (stream: PendingStream) => void): void {
  try {
    onStream(pendingStream(stream, outbox));
  } catch (error) {
    stream.destroy(
      isFleetError(error)
        ? error
        : new FleetError("internal", "Failed to serve the stream.", { cause: error }),
    );
  }
}

/** Ends the transport, and destroys it if it has not closed after the grace period. */
function endTransport(
  transport: Duplex,
  reason: TunnelCloseReason,
  clock: Clock,
  limits: TunnelLimits,
): void {
  transport.end();
  const grace = clock.after(limits.closeGraceMs, () => transport.destroy());
  transport.once("close", () => grace.cancel());
  if (reason.code === "transport_error") transport.destroy();
}
