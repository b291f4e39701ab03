import { timingSafeEqual } from "node:crypto";
import { codeOfGrpcStatus, ERROR_CODES, FleetError } from "@fleet/base";

/**
 * The wire. The server of a connection speaks first, with the greeting, as an SSH server does with its own: so a client
 * knows which of the two it has reached. Then both send frames, 4 bytes of header and a payload:
 *
 *     type u8 | payload length u24 | payload
 *
 * Numbers are big-endian. `hello` and `welcome` come first, once on each connection. Positions count the bytes of one
 * direction since the stream began; its end counts as one more. docs/adr/0006-resumable-streams.md explains the design.
 */
export const GREETING = Buffer.from("coder-resumable/1\r\n");

export const FRAME_HEADER_BYTES = 4;
const POSITION_BYTES = 6;
const ID_BYTES = 16;
const SECRET_BYTES = 32;
const MAX_MESSAGE_BYTES = 1024;

export const FRAME = {
  /** From the client: id, secret, its position u48, its window u32, and 1 where the stream may begin here. */
  hello: 1,
  /** The server's answer: its position u48, its window u32. Data of both goes on where the other's position says. */
  welcome: 2,
  data: 3,
  /** Position u48 up to which the reader has taken all: it need not be kept any longer. */
  ack: 4,
  /** The end of the sender's direction. */
  fin: 5,
  /** Code u8 (gRPC's numbers), message: the stream is over for good. In place of a welcome, a refusal. */
  reset: 6,
  ping: 7,
  pong: 8,
} as const;

export type FrameType = (typeof FRAME)[keyof typeof FRAME];

/** Minimum and maximum payload bytes of each type, by its number. */
export const PAYLOAD_BYTES: readonly (readonly [number, number])[] = [
  [1, 0], // no such type
  [59, 59],
  [10, 10],
  [1, 0xff_ffff],
  [6, 6],
  [0, 0],
  [1, 1 + MAX_MESSAGE_BYTES],
  [0, 0],
  [0, 0],
];

/** Where an end is: what it has received, and how far the other may send beyond what it has acknowledged. */
export type Position = { received: number; window: number };
export type Hello = Position & { credential: Credential; begin: boolean };

/** Identifies a stream and proves who started it: 16 and 32 random bytes. */
export type Credential = { id: Buffer; secret: Buffer };

export function createCredential(randomBytes: (bytes: number) => Buffer): Credential {
  return { id: randomBytes(ID_BYTES), secret: randomBytes(SECRET_BYTES) };
}

/** In constant time. */
export function isSameSecret(one: Credential, other: Credential): boolean {
  return timingSafeEqual(one.secret, other.secret);
}

/** A frame of that type with room for its payload. */
export function allocateFrame(type: FrameType, payloadBytes: number): Buffer {
  const frame = Buffer.allocUnsafe(FRAME_HEADER_BYTES + payloadBytes);
  frame.writeUInt32BE(((type << 24) | payloadBytes) >>> 0, 0);
  return frame;
}

export function encodeHello({ credential, received, window, begin }: Hello): Buffer {
  const frame = allocateFrame(FRAME.hello, 59);
  let at = FRAME_HEADER_BYTES;
  at += credential.id.copy(frame, at);
  at += credential.secret.copy(frame, at);
  at = frame.writeUIntBE(received, at, POSITION_BYTES);
  at = frame.writeUInt32BE(window, at);
  frame.writeUInt8(begin ? 1 : 0, at);
  return frame;
}

export function decodeHello(payload: Buffer): Hello {
  const secretAt = ID_BYTES;
  const receivedAt = secretAt + SECRET_BYTES;
  const windowAt = receivedAt + POSITION_BYTES;
  return {
    credential: {
      id: Buffer.from(payload.subarray(0, secretAt)),
      secret: Buffer.from(payload.subarray(secretAt, receivedAt)),
    },
    received: payload.readUIntBE(receivedAt, POSITION_BYTES),
    window: payload.readUInt32BE(windowAt),
    begin: payload.readUInt8(windowAt + 4) === 1,
  };
}

export function encodeWelcome({ received, window }: Position): Buffer {
  const frame = allocateFrame(FRAME.welcome, 10);
  frame.writeUInt32BE(window, frame.writeUIntBE(received, FRAME_HEADER_BYTES, POSITION_BYTES));
  return frame;
}

export function decodeWelcome(payload: Buffer): Position {
  return { received: payload.readUIntBE(0, POSITION_BYTES), window: payload.readUInt32BE(POSITION_BYTES) };
}

export function encodeAck(position: number): Buffer {
  const frame = allocateFrame(FRAME.ack, POSITION_BYTES);
  frame.writeUIntBE(position, FRAME_HEADER_BYTES, POSITION_BYTES);
  return frame;
}

export function decodeAck(payload: Buffer): number {
  return payload.readUIntBE(0, POSITION_BYTES);
}

/** The error's code and message, without its cause. */
export function encodeReset(error: FleetError): Buffer {
  const text = Buffer.from(error.message).subarray(0, MAX_MESSAGE_BYTES);
  const frame = allocateFrame(FRAME.reset, 1 + text.length);
  frame.writeUInt8(ERROR_CODES[error.code].grpc, FRAME_HEADER_BYTES);
  text.copy(frame, FRAME_HEADER_BYTES + 1);
  return frame;
}

export function decodeReset(payload: Buffer): FleetError {
  const message = payload.toString("utf8", 1) || "The other end ended the stream.";
  return new FleetError(codeOfGrpcStatus(payload.readUInt8(0)), message);
}

/** For two ends whose positions do not fit together: bytes would be lost or doubled. */
export function disagreement(): FleetError {
  return new FleetError("failed_precondition", "The two ends do not agree on what was sent. Connect again.");
}
