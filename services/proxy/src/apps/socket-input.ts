/** So many messages within this time are typing; fewer are a heartbeat, as many pages and editors send. */
const BURST = 4;
const BURST_MS = 10_000;
/** A message of this size is no heartbeat. */
const LARGE_BYTES = 1_024;

const OPCODE_CLOSE = 8;

/**
 * Reads what a browser sends on a WebSocket (RFC 6455, section 5.2), without keeping any of it, and calls `onInput` when its
 * user does something. Pings and heartbeats are no input.
 */
export function createSocketInput(onInput: () => void, nowMs: () => number): (chunk: Buffer) => void {
  /** Bytes of the head of a frame that has not arrived as a whole; at most 9. */
  let head: Buffer = Buffer.alloc(0);
  let payloadLeft = 0;
  let burst: number[] = [];

  function onMessage(opcode: number, bytes: number): void {
    if (opcode >= OPCODE_CLOSE) return;
    const now = nowMs();
    burst = [...burst.filter((at) => now - at < BURST_MS), now].slice(-BURST);
    if (burst.length === BURST || bytes >= LARGE_BYTES) onInput();
  }

  return (chunk) => {
    let at = 0;
    while (at < chunk.length) {
      if (payloadLeft > 0) {
        const skipped = Math.min(payloadLeft, chunk.length - at);
        payloadLeft -= skipped;
        at += skipped;
        continue;
      }
      const known = Buffer.concat([head, chunk.subarray(at, at + MAX_HEAD_BYTES)]);
      const size = headBytes(known);
      if (size === undefined) {
        head = known;
        return;
      }
      at += size - head.length;
      head = Buffer.alloc(0);
      payloadLeft = payloadBytes(known);
      onMessage(known[0]! & 0x0f, payloadLeft);
    }
  };
}

/** Two bytes, eight of an extended length, and four of the mask. */
const MAX_HEAD_BYTES = 14;

/** The size of the frame's head; undefined while it is incomplete. */
function headBytes(bytes: Buffer): number | undefined {
  if (bytes.length < 2) return undefined;
  const length = bytes[1]! & 0x7f;
  const size = 2 + (length === 127 ? 8 : length === 126 ? 2 : 0) + (bytes[1]! & 0x80 ? 4 : 0);
  return bytes.length < size ? undefined : size;
}

function payloadBytes(bytes: Buffer): number {
  const length = bytes[1]! & 0x7f;
  if (length === 126) return bytes.readUInt16BE(2);
  return length === 127 ? Number(bytes.readBigUInt64BE(2)) : length;
}
