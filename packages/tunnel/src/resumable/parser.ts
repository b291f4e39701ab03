import { FRAME, FRAME_HEADER_BYTES, type FrameType, PAYLOAD_BYTES } from "./frame.js";

export type FrameHandler = {
  /** A whole frame of any type but data. The payload is valid only during the call. */
  onFrame(type: FrameType, payload: Buffer): void;
  /** A piece of a data frame, as it came: a cut in the middle of a frame loses none of it. */
  onData(piece: Buffer): void;
  /** The bytes are no frames; nothing is parsed after it. */
  onMalformed(): void;
};

const EMPTY = Buffer.alloc(0);

/** Cuts a byte stream into frames. Holds at most one control frame. `stop` drops all that comes later. */
export function createFrameParser(handler: FrameHandler): { push(chunk: Buffer): void; stop(): void } {
  const header = Buffer.alloc(FRAME_HEADER_BYTES);
  let headerBytes = 0;
  let type: FrameType = FRAME.hello;
  let missing = 0; // payload bytes of the current frame that have not come
  let payload: Buffer | undefined; // of a control frame, while it comes in pieces
  let stopped = false;

  function begin(word: number): void {
    const length = word & 0xff_ffff;
    const bounds = PAYLOAD_BYTES[word >>> 24];
    if (!bounds || length < bounds[0] || length > bounds[1]) {
      stopped = true;
      handler.onMalformed();
      return;
    }
    type = (word >>> 24) as FrameType;
    missing = length;
    if (length === 0) handler.onFrame(type, EMPTY);
  }

  /** Reads the header's next bytes; returns the offset behind them. */
  function readHeader(chunk: Buffer, at: number): number {
    const copied = chunk.copy(header, headerBytes, at);
    headerBytes += copied;
    if (headerBytes === FRAME_HEADER_BYTES) {
      headerBytes = 0;
      begin(header.readUInt32BE(0));
    }
    return at + copied;
  }

  /** Reads the payload's next bytes; returns the offset behind them. */
  function readPayload(chunk: Buffer, at: number): number {
    const end = Math.min(chunk.length, at + missing);
    if (type === FRAME.data) {
      missing -= end - at;
      handler.onData(chunk.subarray(at, end));
      return end;
    }
    payload ??= Buffer.allocUnsafe(missing);
    chunk.copy(payload, payload.length - missing, at, end);
    missing -= end - at;
    if (missing === 0) {
      const whole = payload;
      payload = undefined;
      handler.onFrame(type, whole);
    }
    return end;
  }

  return {
    push(chunk) {
      for (let at = 0; at < chunk.length && !stopped; ) {
        at = missing === 0 ? readHeader(chunk, at) : readPayload(chunk, at);
      }
    },
    stop() {
      stopped = true;
    },
  };
}
