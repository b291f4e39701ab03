import { Duplex } from "node:stream";
import { type Clock, FleetError, isFleetError, type Timer } from "@fleet/base";
import { Inbox } from "../inbox.js";
import type { Connection, ConnectionHandler } from "./connection.js";
import {
  allocateFrame,
  decodeAck,
  decodeReset,
  encodeAck,
  encodeReset,
  FRAME,
  type FrameType,
  type Position,
} from "./frame.js";
import type { ResumableLimits } from "./limits.js";
import { Replay } from "./replay.js";

type Callback = (error?: Error | null) => void;

export type StreamOptions = {
  clock: Clock;
  limits: ResumableLimits;
  /** The connection broke; a new one is needed. */
  onLost(reason: string): void;
  /** More bytes are held, while there is no connection. */
  onGrown?(): void;
  /**
   * The stream is over, in order where `reason` is absent. The peer has been told where there was a connection; the
   * stream emits `close` once the promise has settled.
   */
  onOver(reason: FleetError | undefined, told: boolean): Promise<void> | void;
};

/**
 * A Duplex with half-close whose bytes outlive the connections that carry them. It sends from its replay, which keeps
 * bytes until the other end's reader has taken them, and counts what it receives; so each connection that follows goes
 * on where the last one ended. `destroy(error)` ends both directions for good, on both ends. Buffers that were written
 * must not be changed later. A missing `error` listener is no crash.
 */
export class ResumableStream extends Duplex implements ConnectionHandler {
  readonly #options: StreamOptions;
  readonly #replay = new Replay();
  readonly #inbox = new Inbox();
  #connection: Connection | undefined;
  #carrier = "";
  #peerWindow = 0;

  #finQueued = false;
  #finSent = false; // on the present connection
  #finAcknowledged = false;
  #onRoom: Callback | undefined;
  #onFinal: Callback | undefined;

  #received = 0; // with the end of the direction as one
  #finReceived = false;
  #peerReset = false;
  #acknowledged = 0; // as told on the present connection
  #ackTimer: Timer | undefined;
  #starved = false; // Node asked for bytes when there were none

  constructor(options: StreamOptions) {
    super({ allowHalfOpen: true });
    this.#options = options;
    this.on("error", () => {});
  }

  get bytesRead(): number {
    return this.#received;
  }

  get bytesWritten(): number {
    return this.#replay.end;
  }

  /** Bytes held in memory: unacknowledged and unread ones. */
  get heldBytes(): number {
    return this.#replay.end - this.#replay.acknowledged + this.#unread;
  }

  /** The name of the connection that carries it, or did last. */
  get carrier(): string {
    return this.#carrier;
  }

  get connected(): boolean {
    return this.#connection !== undefined;
  }

  /** This end's position, for a handshake. */
  get position(): Position {
    return { received: this.#received, window: this.#options.limits.windowBytes };
  }

  /** False if the peer requests bytes that are gone or never existed. */
  agreesWith(peer: Position): boolean {
    const end = this.#replay.end + (this.#finQueued ? 1 : 0);
    return peer.received >= this.#replay.acknowledged && peer.received <= end;
  }

  /** Continues on this connection, with a peer that agrees. Emits `carried`. */
  attach(connection: Connection, peer: Position, name = ""): void {
    this.detach();
    this.#connection = connection;
    this.#carrier = name;
    this.#peerWindow = peer.window;
    this.#finSent = peer.received > this.#replay.end;
    this.#replay.rewind(Math.min(peer.received, this.#replay.end));
    connection.handler = this;
    this.#acknowledge();
    this.#pump();
    this.emit("carried");
  }

  /** Closes the current connection and drops what it still holds, so that another can replace it. */
  detach(): void {
    const connection = this.#connection;
    this.#connection = undefined;
    void connection?.end();
  }

  onLost(reason: string): void {
    this.#connection = undefined;
    if (!this.destroyed) this.#options.onLost(reason);
  }

  onDrain(): void {
    this.#pump();
  }

  onData(piece: Buffer): string | undefined {
    if (this.#finReceived) return "The other end sent data after its end.";
    if (this.#unread + piece.length > this.#options.limits.windowBytes) {
      return "The other end sent more than the window.";
    }
    this.#received += piece.length;
    if (this.#inbox.bytes === 0 && this.readableLength === 0) this.push(piece);
    else this.#inbox.add(piece);
    this.#settle();
    return undefined;
  }

  onFrame(type: FrameType, payload: Buffer): string | undefined {
    switch (type) {
      case FRAME.ack:
        return this.#onAck(decodeAck(payload));
      case FRAME.fin:
        return this.#onFin();
      case FRAME.reset:
        this.#peerReset = true;
        this.detach();
        this.destroy(decodeReset(payload));
        return undefined;
      default:
        return "The other end repeated the handshake.";
    }
  }

  #onAck(position: number): string | undefined {
    const sent = this.#replay.sent + (this.#finSent ? 1 : 0);
    if (position < this.#replay.acknowledged || position > sent) {
      return "The other end acknowledged data that was not sent.";
    }
    this.#replay.acknowledge(Math.min(position, this.#replay.end));
    if (this.#finQueued && position > this.#replay.end) {
      this.#finAcknowledged = true;
      this.#onFinal?.();
      this.#onFinal = undefined;
    }
    const onRoom = this.#onRoom;
    if (onRoom && this.#hasRoom) {
      this.#onRoom = undefined; // first: the callback may write again at once
      onRoom();
    }
    this.#pump();
    return undefined;
  }

  #onFin(): string | undefined {
    if (this.#finReceived) return "The other end ended twice.";
    this.#finReceived = true;
    this.#received++;
    if (this.#inbox.bytes === 0) this.push(null);
    this.#settle();
    return undefined;
  }

  get #unread(): number {
    return this.#inbox.bytes + this.readableLength;
  }

  override _read(): void {
    this.#starved = this.#inbox.bytes === 0;
    this.#fill();
  }

  /** Bytes count as taken here, where they leave the stream, and not in `_read`, which Node calls ahead of need. */
  override read(size?: number): unknown {
    if (this.#starved) this.#fill();
    const chunk = super.read(size);
    this.#settle();
    return chunk;
  }

  #fill(): void {
    for (let chunk = this.#inbox.shift(); chunk; chunk = this.#inbox.shift()) {
      this.#starved = false;
      if (!this.push(chunk)) break;
    }
    if (this.#finReceived && this.#inbox.bytes === 0 && !this.readableEnded) this.push(null);
  }

  /** The position up to which the reader has taken all; the end of the direction counts with its last byte. */
  get #taken(): number {
    const unread = this.#unread;
    return this.#received - unread - (this.#finReceived && unread > 0 ? 1 : 0);
  }

  /** Acknowledges what was taken: at once when it is much or the end, else a little later, or with the next data. */
  #settle(): void {
    if (this.destroyed || !this.#connection) return;
    const { windowBytes, ackDelayMs } = this.#options.limits;
    const due = this.#taken - this.#acknowledged;
    if (due >= windowBytes / 8 || (due > 0 && this.#finReceived && this.#unread === 0)) this.#acknowledge();
    else if (due > 0 && !this.#ackTimer) {
      this.#ackTimer = this.#options.clock.after(ackDelayMs, () => this.#acknowledge());
    }
  }

  #acknowledge(): void {
    this.#ackTimer?.cancel();
    this.#ackTimer = undefined;
    if (!this.#connection) return;
    this.#acknowledged = this.#taken;
    this.#connection.send(encodeAck(this.#acknowledged));
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: Callback): void {
    this.#replay.append(chunk);
    this.#written(callback);
  }

  override _writev(items: { chunk: Buffer }[], callback: Callback): void {
    for (const { chunk } of items) this.#replay.append(chunk);
    this.#written(callback);
  }

  #written(callback: Callback): void {
    if (this.#connection) this.#pump();
    else this.#options.onGrown?.();
    if (this.#hasRoom) callback();
    else this.#onRoom = callback;
  }

  get #hasRoom(): boolean {
    return this.#replay.end - this.#replay.acknowledged < this.#options.limits.windowBytes;
  }

  /** Finished when the other end's reader has taken all. */
  override _final(callback: Callback): void {
    this.#finQueued = true;
    this.#onFinal = callback;
    this.#pump();
  }

  #pump(): void {
    const connection = this.#connection;
    if (!connection) return;
    const replay = this.#replay;
    const { frameBytes } = this.#options.limits;
    while (!connection.blocked && replay.sent < replay.end) {
      const chunks = replay.take(Math.min(frameBytes, replay.acknowledged + this.#peerWindow - replay.sent));
      if (chunks.length === 0) break;
      if (this.#taken > this.#acknowledged) this.#acknowledge();
      connection.data(chunks);
    }
    if (this.#finQueued && !this.#finSent && replay.sent === replay.end) {
      this.#finSent = true;
      connection.send(allocateFrame(FRAME.fin, 0));
    }
  }

  override _destroy(error: Error | null, callback: Callback): void {
    const connection = this.#connection;
    this.#connection = undefined;
    this.#ackTimer?.cancel();
    const isDone = this.#finAcknowledged && this.#finReceived;
    const reason = isDone ? undefined : reasonOf(error);
    if (reason && connection) connection.send(encodeReset(reason));
    const closed = connection?.end();
    this.#replay.clear();
    this.#inbox.clear();
    const told = this.#peerReset || connection !== undefined || isDone;
    const over = Promise.all([closed, this.#options.onOver(reason, told)]);
    this.#onRoom?.(reason);
    this.#onFinal?.(reason);
    over.then(
      () => callback(error),
      () => callback(error),
    );
  }
}

function reasonOf(error: Error | null): FleetError {
  if (isFleetError(error)) return error;
  if (!error) return new FleetError("canceled", "The other end closed the stream.");
  return new FleetError("unavailable", "The other end lost what the stream was connected to.", {
    cause: error,
  });
}
