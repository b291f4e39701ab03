/** The largest payload of a UDP datagram over IPv4, in bytes. */
export const MAX_DATAGRAM_BYTES = 65_507;

const LENGTH_BYTES = 2;

/** A datagram as it travels in a stream of kind `udp`: behind its length, 2 bytes in network order. */
export function frameDatagram(payload: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(LENGTH_BYTES + payload.length);
  frame.writeUInt16BE(payload.length);
  frame.set(payload, LENGTH_BYTES);
  return frame;
}

/** Reads the datagrams of a stream, whose chunks may begin and end anywhere. Keeps at most one incomplete datagram. */
export function createDatagramReader(onDatagram: (payload: Buffer) => void): (chunk: Buffer) => void {
  let parts: Buffer[] = [];
  let size = 0;
  /** Bytes without which there is nothing to do: those of a length, then of its datagram. */
  let needed = LENGTH_BYTES;
  return (chunk) => {
    parts.push(chunk);
    size += chunk.length;
    if (size < needed) return;
    let bytes = parts.length === 1 ? chunk : Buffer.concat(parts);
    for (;;) {
      needed = bytes.length < LENGTH_BYTES ? LENGTH_BYTES : LENGTH_BYTES + bytes.readUInt16BE();
      if (bytes.length < needed) break;
      onDatagram(bytes.subarray(LENGTH_BYTES, needed));
      bytes = bytes.subarray(needed);
    }
    // A copy, so that it does not hold the whole chunk.
    parts = [Buffer.from(bytes)];
    size = bytes.length;
  };
}
