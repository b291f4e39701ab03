import { FRAME, FRAME_HEADER_BYTES, type FrameType, PAYLOAD_BYTES } from "./frame.js";

export type FrameHandler = {
  /** A whole frame of any type but data. The payload is valid only during the call. */
  onFrame(type: FrameType, stream: number, payload: Buffer): void;
  /** A piece of a data frame, as it arrived: pieces are passed on without waiting for the end of the frame. */
  onData(stream: number, piece: Buffer): void;
  /** The bytes are not valid frames. Called once; nothing is parsed after it. */
  onMalformed(reason: string): void;
};

export type FrameParser = {
  /** Parses the transport's next bytes, split anywhere. Never throws by itself. */
  push(chunk: Buffer): void;
  /** Drops all further input. */
  stop(): void;
};

const EMPTY = Buffer.alloc(0);

/** Cuts a byte stream into frames. Holds at most one control frame's payload. */
export function createFrameParser(handler: FrameHandler): FrameParser {
  const header = Buffer.alloc(FRAME_HEADER_BYTES);
  let headerBytes = 0;
  let type: FrameType = FRAME.hello;
  let stream = 0;
  let missing = 0; // payload bytes of the current frame that have not come
  let payload: Buffer | undefined; // a control frame's payload that came in several chunks
  let stopped = false;

  /** Reads the header; false if it is malformed. */
  function begin(from: Buffer, at: number): boolean {
    const word = from.readUInt32BE(at);
    const number = word >>> 24;
    const length = word & 0xffffff;
    const bounds = PAYLOAD_BYTES[number];
    if (!bounds) return malformed(`The peer sent a frame of the unknown type ${number}.`);
    if (length < bounds[0] || length > bounds[1]) {
      return malformed(`The peer sent a frame of type ${number} with ${length} bytes.`);
    }
    type = number as FrameType;
    stream = from.readUInt32BE(at + 4);
    missing = length;
    return true;
  }

  function malformed(reason: string): false {
    stopped = true;
    handler.onMalformed(reason);
    return false;
  }

  /** Reads payload bytes from the chunk, and returns where it stopped. */
  function take(chunk: Buffer, at: number): number {
    const end = Math.min(chunk.length, at + missing);
    if (type === FRAME.data) {
      missing -= end - at;
      if (end > at) handler.onData(stream, chunk.subarray(at, end));
      return end;
    }
    if (!payload && end - at === missing) {
      missing = 0;
      handler.onFrame(type, stream, chunk.subarray(at, end));
      return end;
    }
    payload ??= Buffer.alloc(missing);
    chunk.copy(payload, payload.length - missing, at, end);
    missing -= end - at;
    if (missing === 0) {
      const whole = payload;
      payload = undefined;
      handler.onFrame(type, stream, whole);
    }
    return end;
  }

  function push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length && !stopped) {
      if (missing === 0) {
        if (headerBytes === 0 && chunk.length - at >= FRAME_HEADER_BYTES) {
          if (!begin(chunk, at)) return;
          at += FRAME_HEADER_BYTES;
        } else {
          const copied = chunk.copy(header, headerBytes, at);
          at += copied;
          headerBytes += copied;
          if (headerBytes < FRAME_HEADER_BYTES) return;
          headerBytes = 0;
          if (!begin(header, 0)) return;
        }
        if (missing === 0) handler.onFrame(type, stream, EMPTY);
        continue;
      }
      at = take(chunk, at);
    }
  }

  return {
    push,
    stop() {
      stopped = true;
    },
  };
}
