import { codeOfGrpcStatus, ERROR_CODES, type FleetError } from "@fleet/base";
import { MAX_FRAME_BYTES } from "./limits.js";
import { errorOfReset, resetText } from "./reset.js";

/**
 * The wire. Each frame is 8 bytes of header and a payload:
 *
 *     type u8 | payload length u24 | stream u32 | payload
 *
 * Numbers are big-endian. The client's streams are odd, the server's even; stream 0 is the tunnel itself. Each side
 * sends `hello` first. docs/adr/0002-tunnel-transport.md explains the design.
 */
export const FRAME_HEADER_BYTES = 8;
export const PROTOCOL_VERSION = 1;
const MAGIC = 0x464c5431; // "FLT1" marks the protocol; the version byte counts its revisions.
const MAX_OPEN_BYTES = 16 * 1024;
const MAX_MESSAGE_BYTES = 1024;

export const FRAME = {
  /** magic u32, version u8, initial window u32. Always first, sent once. */
  hello: 0,
  /** Stream header, see header.ts. Data may follow before the peer has accepted. */
  open: 1,
  accept: 2,
  data: 3,
  /** Credit u32: this many more bytes may be sent. */
  window: 4,
  /** No more data from the sender; the other direction stays open. */
  fin: 5,
  /** Code u8 (gRPC's numbers), message, and behind a NUL a reason (reset.ts) where there is one. Ends both directions; before `accept`, it is a refusal. */
  rst: 6,
  /** 8 bytes of the sender's choice, echoed by `pong`. */
  ping: 7,
  pong: 8,
  /** Kind u8 (0: drain, 1: close), message. */
  goaway: 9,
} as const;

export type FrameType = (typeof FRAME)[keyof typeof FRAME];

/** Minimum and maximum payload bytes of each type, by its number. */
export const PAYLOAD_BYTES: readonly (readonly [number, number])[] = [
  [9, 64],
  [2, MAX_OPEN_BYTES],
  [0, 0],
  [1, MAX_FRAME_BYTES],
  [4, 4],
  [0, 0],
  [1, 1 + MAX_MESSAGE_BYTES],
  [8, 8],
  [8, 8],
  [1, 1 + MAX_MESSAGE_BYTES],
];

/** Writes a frame's header at the offset. */
export function writeFrameHeader(
  into: Buffer,
  offset: number,
  type: FrameType,
  stream: number,
  length: number,
): void {
  into.writeUInt32BE(((type << 24) | length) >>> 0, offset);
  into.writeUInt32BE(stream, offset + 4);
}

function frame(type: FrameType, stream: number, length: number): Buffer {
  const buffer = Buffer.allocUnsafe(FRAME_HEADER_BYTES + length);
  writeFrameHeader(buffer, 0, type, stream, length);
  return buffer;
}

/** A whole control frame with this payload. */
export function encodeFrame(type: FrameType, stream: number, payload?: Buffer): Buffer {
  const buffer = frame(type, stream, payload?.length ?? 0);
  payload?.copy(buffer, FRAME_HEADER_BYTES);
  return buffer;
}

export function encodeHello(initialWindow: number, version = PROTOCOL_VERSION): Buffer {
  const buffer = frame(FRAME.hello, 0, 9);
  buffer.writeUInt32BE(MAGIC, 8);
  buffer.writeUInt8(version, 12);
  buffer.writeUInt32BE(initialWindow, 13);
  return buffer;
}

/** The peer's initial window, or a sentence on why the two are incompatible. */
export function decodeHello(payload: Buffer): { initialWindow: number } | { unusable: string } {
  if (payload.readUInt32BE(0) !== MAGIC) return { unusable: "The peer does not speak the tunnel protocol." };
  const version = payload.readUInt8(4);
  if (version !== PROTOCOL_VERSION) {
    return {
      unusable: `The peer speaks tunnel protocol ${version}, this side ${PROTOCOL_VERSION}. Update the older one.`,
    };
  }
  return { initialWindow: payload.readUInt32BE(5) };
}

export function encodeWindow(stream: number, credit: number): Buffer {
  const buffer = frame(FRAME.window, stream, 4);
  buffer.writeUInt32BE(credit, FRAME_HEADER_BYTES);
  return buffer;
}

function tagged(type: FrameType, stream: number, tag: number, message: string): Buffer {
  const text = Buffer.from(message).subarray(0, MAX_MESSAGE_BYTES);
  const buffer = frame(type, stream, 1 + text.length);
  buffer.writeUInt8(tag, FRAME_HEADER_BYTES);
  text.copy(buffer, FRAME_HEADER_BYTES + 1);
  return buffer;
}

/** A reset with the error's code, message and reason, without its cause. */
export function encodeReset(stream: number, error: FleetError): Buffer {
  return tagged(FRAME.rst, stream, ERROR_CODES[error.code].grpc, resetText(error));
}

export function decodeReset(payload: Buffer): FleetError {
  return errorOfReset(codeOfGrpcStatus(payload.readUInt8(0)), payload.toString("utf8", 1));
}

export function encodeGoaway(kind: "drain" | "close", message: string): Buffer {
  return tagged(FRAME.goaway, 0, kind === "drain" ? 0 : 1, message);
}

export function decodeGoaway(payload: Buffer): { kind: "drain" | "close"; message: string } {
  return { kind: payload.readUInt8(0) === 0 ? "drain" : "close", message: payload.toString("utf8", 1) };
}
