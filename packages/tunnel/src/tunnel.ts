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
import { createOutbox } from "./outbox.js";
import { createFrameParser } from "./parser.js";
import { isReset, StreamReset } from "./reset.js";
import {
  MuxStream,
  type PendingStream,
  pendingStream,
  type StreamLink,
  type TunnelStream,
} from "./stream.js";

const MAX_STREAM_ID = 0xffff_ffff;
const NO_HELLO = "The peer did not begin with one hello frame.";
const DRAINING = "The tunnel is being drained. Use another one.";

export type TunnelOptions = {
  /** Decides whose streams are odd. One end is the client, the other the server, whoever dialled. */
  role: "client" | "server";
  clock?: Clock;
  /** Monotonic milliseconds with a fraction, for round trips and rates. */
  monotonic?: () => number;
  limits?: Partial<TunnelLimits>;
  /** The peer opened a stream. Accept it or refuse it, at once or later. Without this, every stream is refused. */
  onStream?(stream: PendingStream): void;
  /**
   * The peer drains: it takes no further streams and closes after the present ones. Time to dial another tunnel. The
   * message, which may be empty, is for people whose streams are present.
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
  /** The least round trip of late; 0 while unknown. */
  rttMs: number;
};

export interface Tunnel extends Disposable {
  /** Opens a stream and waits until the peer accepts. Rejects with the peer's FleetError when it refuses. */
  open(header: StreamHeader, options?: { signal?: AbortSignal }): Promise<TunnelStream>;
  /**
   * Opens a stream that may be written to before the peer accepts, so that a short exchange costs one round trip. A
   * refusal destroys it with the peer's FleetError. Throws `unavailable` when the tunnel takes no streams.
   */
  openNow(header: StreamHeader): TunnelStream;
  ping(): Promise<number>;
  /**
   * Asks the peer to dial another tunnel (its `onDrain`), and to open no more streams on this one. This end may go on
   * opening them, so that nothing is out of reach until the other tunnel is there; `drain` comes after.
   */
  retire(message?: string): void;
  /** Refuses further streams on both ends, lets the present ones finish, then closes. Resolves when closed. */
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
  const streams = new Map<number, MuxStream>();
  const closing = Promise.withResolvers<TunnelCloseReason>();
  const ownParity = role === "client" ? 1 : 0;
  let ended: TunnelCloseReason | undefined;
  let lastOwnId = role === "client" ? -1 : 0;
  let lastPeerId = 0;
  let peerStreams = 0;
  let peerWindow: number | undefined; // known from the peer's hello on
  let retired = false;
  let draining = false;
  let peerDraining = false;
  let unread = 0;
  let bytesIn = 0;

  const outbox = createOutbox({
    transport,
    limits,
    onOverflow: () => fail("The peer causes more control frames than it reads."),
  });
  const keepalive = createKeepalive({
    clock,
    now: monotonic,
    limits,
    send: (payload) => outbox.control(encodeFrame(FRAME.ping, 0, payload)),
    onDead: () => {
      const seconds = limits.deadAfterMs / 1000;
      end({ code: "peer_dead", message: `Nothing came from the peer for ${seconds} seconds.` });
    },
  });
  const parser = createFrameParser({ onFrame, onData, onMalformed: fail });
  const link: StreamLink = {
    outbox,
    window: {
      limits,
      baseRttMs: keepalive.rttMs,
      now: monotonic,
      growth: { left: Math.floor(limits.receiveBuffer / 2) },
    },
    onUnread(delta) {
      unread += delta;
      if (unread > limits.receiveBuffer) resetFullest();
    },
    onRemoved(stream) {
      if (!streams.delete(stream.id)) return;
      if (!isOwn(stream.id)) peerStreams--;
      endWhenDrained();
    },
  };

  const isOwn = (id: number) => id % 2 === ownParity;

  function resetFullest(): void {
    let fullest: MuxStream | undefined;
    for (const stream of streams.values()) {
      if (!fullest || stream.unread > fullest.unread) fullest = stream;
    }
    fullest?.destroy(
      new FleetError(
        "resource_exhausted",
        "The stream was reset, for its reader lets too many bytes lie unread.",
      ),
    );
  }

  /** The living stream. One that is gone gives undefined, for late frames mean nothing; one that never was is an error. */
  function lookUp(id: number): MuxStream | undefined {
    const stream = streams.get(id);
    if (!stream && (id === 0 || id > (isOwn(id) ? lastOwnId : lastPeerId))) {
      fail(`The peer named stream ${id}, which nobody opened.`);
    }
    return stream;
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

  /** Does what the frame says; returns what is wrong with it, if anything. */
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
    for (const stream of streams.values()) stream.receiveCredit(peerWindow);
    keepalive.ping().catch(() => {});
    return undefined;
  }

  function onOpen(id: number, payload: Buffer): string | undefined {
    if (isOwn(id) || id <= lastPeerId) return `The peer opened stream ${id} out of order.`;
    lastPeerId = id;
    const header = decodeStreamHeader(payload);
    const refusal = refusalOf(header);
    if (refusal) {
      outbox.control(encodeReset(id, refusal));
      return undefined;
    }
    const stream = new MuxStream(link, id, header!, peerWindow!);
    streams.set(id, stream);
    peerStreams++;
    try {
      onStream!(pendingStream(stream, link));
    } catch (error) {
      stream.destroy(
        isFleetError(error)
          ? error
          : new FleetError("internal", "The stream was not served.", { cause: error }),
      );
    }
    return undefined;
  }

  /** Why a stream that the peer opens cannot be had, if so. */
  function refusalOf(header: StreamHeader | undefined): FleetError | undefined {
    if (!onStream) return new FleetError("unimplemented", "This end accepts no streams.");
    if (!header) return new FleetError("invalid_argument", "The stream's header is not readable.");
    if (draining) return new FleetError("unavailable", DRAINING);
    if (peerStreams < limits.maxStreams) return undefined;
    return new FleetError(
      "resource_exhausted",
      `The tunnel carries ${limits.maxStreams} streams. Close some first.`,
    );
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
      end({ code: "drained", message: "The tunnel was drained." });
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
    for (const stream of streams.values()) stream.abandon(error);
    transport.end();
    const grace = clock.after(limits.closeGraceMs, () => transport.destroy());
    transport.once("close", () => grace.cancel());
    if (reason.code === "transport_error") transport.destroy();
    closing.resolve(reason);
  }

  function openNow(header: StreamHeader): MuxStream {
    if (ended) throw tunnelClosed(ended);
    if (draining || peerDraining) {
      throw new FleetError("unavailable", DRAINING);
    }
    const id = lastOwnId + 2;
    if (id > MAX_STREAM_ID) {
      throw new FleetError("unavailable", "The tunnel has used up its stream numbers. Dial another one.");
    }
    const payload = encodeStreamHeader(header);
    lastOwnId = id;
    const stream = new MuxStream(link, id, header, peerWindow ?? 0);
    streams.set(id, stream);
    outbox.control(encodeFrame(FRAME.open, id, payload));
    return stream;
  }

  async function open(
    header: StreamHeader,
    { signal }: { signal?: AbortSignal } = {},
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

  transport.on("data", (chunk: Buffer) => {
    bytesIn += chunk.length;
    keepalive.heard();
    parser.push(chunk);
  });
  transport.on("end", () => end({ code: "peer_closed", message: "The peer ended the connection." }));
  transport.on("close", () => end({ code: "transport_error", message: "The connection was lost." }));
  transport.on("error", (error) =>
    end({ code: "transport_error", message: `The connection broke: ${error.message}.` }),
  );
  outbox.control(encodeHello(limits.initialWindow));

  function retire(message = ""): void {
    if (retired || ended) return;
    retired = true;
    outbox.control(encodeGoaway("drain", message));
  }

  const close = (message = "The tunnel was closed.") => end({ code: "closed", message });
  return {
    open,
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
