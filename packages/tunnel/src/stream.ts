import { Duplex } from "node:stream";
import { FleetError, isFleetError } from "@fleet/base";
import { encodeFrame, encodeReset, encodeWindow, FRAME } from "./frame.js";
import type { StreamHeader } from "./header.js";
import { Inbox } from "./inbox.js";
import { MAX_FRAME_BYTES } from "./limits.js";
import type { FrameSink, FrameSource, Outbox } from "./outbox.js";
import { ReceiveWindow, type WindowContext } from "./window.js";

/**
 * One stream of a tunnel: a Duplex with half-close. `end()` closes the writing side only; `destroy(error)` resets both
 * directions and tells the peer the code and message of a FleetError. When the peer resets, the stream is destroyed
 * with the peer's FleetError; a missing `error` listener is no crash, for a hostile peer could cause it at will.
 */
export interface TunnelStream extends Duplex {
  readonly header: StreamHeader;
  /** Resolves when the peer accepts; rejects with its reason if it refuses, or if the stream is destroyed before. */
  readonly accepted: Promise<void>;
}

/** What a stream needs from its tunnel. */
export type StreamLink = {
  outbox: Outbox;
  window: WindowContext;
  /** Unread bytes came or went. */
  onUnread(delta: number): void;
  onRemoved(stream: MuxStream): void;
};

type Callback = (error?: Error | null) => void;

export class MuxStream extends Duplex implements TunnelStream, FrameSource {
  readonly id: number;
  readonly header: StreamHeader;
  readonly accepted: Promise<void>;
  readonly #acceptance = Promise.withResolvers<void>();
  readonly #link: StreamLink;

  readonly #inbox = new Inbox();
  readonly #window: ReceiveWindow;
  #unread = 0; // as last told to the tunnel
  #starved = false; // Node asked for bytes when there were none
  #finReceived = false;
  #resetReceived = false;

  #outgoing: Buffer[] = [];
  #outgoingBytes = 0;
  #sendWindow: number;
  #onWritten: Callback | undefined;
  #onFinal: Callback | undefined;
  #finSent = false;

  constructor(link: StreamLink, id: number, header: StreamHeader, sendWindow: number) {
    super({ allowHalfOpen: true });
    this.id = id;
    this.header = header;
    this.#link = link;
    this.#window = new ReceiveWindow(link.window);
    this.#sendWindow = sendWindow;
    this.accepted = this.#acceptance.promise;
    this.accepted.catch(() => {});
    this.on("error", () => {});
  }

  get unread(): number {
    return this.#unread;
  }

  /** The peer accepted, or this side did. */
  markAccepted(): void {
    this.#acceptance.resolve();
  }

  // What the peer sent. Each returns what is wrong with it, if anything.

  receiveData(piece: Buffer): string | undefined {
    if (this.#finReceived) return "The peer sent data after a stream's end.";
    if (!this.#window.receive(piece.length)) return "The peer sent more than a stream's window.";
    if (this.#inbox.bytes === 0 && this.readableLength === 0) this.push(piece);
    else this.#inbox.add(piece);
    this.#settle();
    return undefined;
  }

  receiveFin(): string | undefined {
    if (this.#finReceived) return "The peer ended a stream twice.";
    this.#finReceived = true;
    if (this.#inbox.bytes === 0) this.push(null);
    return undefined;
  }

  receiveReset(error: FleetError): void {
    this.#resetReceived = true;
    this.destroy(error);
  }

  /** The tunnel is gone. A stream that has all it was to get may still be read to its end. */
  abandon(error: FleetError): void {
    if (!this.#finSent || !this.#finReceived) this.destroy(error);
  }

  receiveCredit(bytes: number): void {
    this.#sendWindow += bytes;
    if (this.#outgoingBytes > 0) this.#link.outbox.ready(this);
  }

  override _read(): void {
    this.#starved = this.#inbox.bytes === 0;
    this.#pump();
  }

  /** Credit goes back here, where bytes leave the stream, and not in `_read`, which Node calls ahead of need. */
  override read(size?: number): unknown {
    if (this.#starved) this.#pump();
    const chunk = super.read(size);
    this.#settle();
    return chunk;
  }

  #pump(): void {
    for (let chunk = this.#inbox.shift(); chunk; chunk = this.#inbox.shift()) {
      this.#starved = false;
      if (!this.push(chunk)) break;
    }
    if (this.#finReceived && this.#inbox.bytes === 0 && !this.readableEnded) this.push(null);
  }

  #settle(): void {
    if (this.destroyed) return;
    const unread = this.#inbox.bytes + this.readableLength;
    const delta = unread - this.#unread;
    this.#unread = unread;
    const credit = this.#window.consume(unread);
    if (credit > 0 && !this.#finReceived) this.#link.outbox.control(encodeWindow(this.id, credit));
    if (delta !== 0) this.#link.onUnread(delta);
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: Callback): void {
    this.#send([chunk], chunk.length, callback);
  }

  override _writev(items: { chunk: Buffer }[], callback: Callback): void {
    let bytes = 0;
    const chunks = items.map(({ chunk }) => {
      bytes += chunk.length;
      return chunk;
    });
    this.#send(chunks, bytes, callback);
  }

  #send(chunks: Buffer[], bytes: number, callback: Callback): void {
    if (bytes === 0) {
      callback();
      return;
    }
    this.#outgoing = chunks;
    this.#outgoingBytes = bytes;
    this.#onWritten = callback;
    if (this.#sendWindow > 0) this.#link.outbox.ready(this);
  }

  override _final(callback: Callback): void {
    this.#onFinal = callback;
    this.#link.outbox.ready(this);
  }

  writeFrame(sink: FrameSink): boolean {
    const bytes = Math.min(this.#outgoingBytes, this.#sendWindow, MAX_FRAME_BYTES);
    if (bytes > 0) {
      sink.data(this.id, this.#takeOutgoing(bytes), bytes);
      this.#sendWindow -= bytes;
      if (this.#outgoingBytes === 0) {
        const written = this.#onWritten;
        this.#onWritten = undefined;
        written?.();
      }
    }
    if (this.#outgoingBytes === 0 && this.#onFinal) {
      const final = this.#onFinal;
      this.#onFinal = undefined;
      this.#finSent = true;
      sink.fin(this.id);
      final();
    }
    return this.#outgoingBytes > 0 && this.#sendWindow > 0;
  }

  #takeOutgoing(bytes: number): Buffer[] {
    this.#outgoingBytes -= bytes;
    if (this.#outgoingBytes === 0) {
      const all = this.#outgoing;
      this.#outgoing = [];
      return all;
    }
    const taken: Buffer[] = [];
    let count = 0;
    let left = bytes;
    for (; left > 0; count++) {
      const chunk = this.#outgoing[count]!;
      if (chunk.length > left) break;
      taken.push(chunk);
      left -= chunk.length;
    }
    if (left > 0) {
      const cut = this.#outgoing[count]!;
      taken.push(cut.subarray(0, left));
      this.#outgoing[count] = cut.subarray(left);
    }
    this.#outgoing.splice(0, count);
    return taken;
  }

  override _destroy(error: Error | null, callback: Callback): void {
    const { outbox } = this.#link;
    outbox.forget(this);
    this.#inbox.clear();
    this.#window.release();
    if (this.#unread > 0) this.#link.onUnread(-this.#unread);
    this.#unread = 0;
    // A stream that ran to its end on both sides, the common case, needs no error and no reset.
    const reason = this.#finSent && this.#finReceived ? undefined : resetReason(error);
    if (reason && !this.#resetReceived) outbox.control(encodeReset(this.id, reason));
    if (reason) this.#acceptance.reject(reason);
    else this.#acceptance.resolve();
    this.#link.onRemoved(this);
    this.#outgoing = [];
    this.#outgoingBytes = 0;
    callback(error);
    this.#onWritten?.(reason);
    this.#onFinal?.(reason);
  }
}

function resetReason(error: Error | null): FleetError {
  if (isFleetError(error)) return error;
  if (!error) return new FleetError("canceled", "The other end closed the stream.");
  return new FleetError("unavailable", "The other end lost what the stream was connected to.", {
    cause: error,
  });
}

/** A stream that the peer opened and nobody has accepted yet. What the peer already sends is kept, within the window. */
export type PendingStream = {
  readonly header: StreamHeader;
  /** Accepts the stream. Call it once; if the peer has given up, the stream is already destroyed. */
  accept(): TunnelStream;
  /** Refuses the stream; the peer's `open` rejects with this error's code and message. */
  refuse(error: FleetError): void;
};

export function pendingStream(stream: MuxStream, outbox: Outbox): PendingStream {
  return {
    header: stream.header,
    accept() {
      stream.markAccepted();
      if (!stream.destroyed) outbox.control(encodeFrame(FRAME.accept, stream.id));
      return stream;
    },
    refuse(error) {
      stream.destroy(error);
    },
  };
}
