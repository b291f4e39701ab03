/** Packet types of SFTP version 3 (draft-ietf-secsh-filexfer-02, section 3). */
export const TYPE = {
  init: 1,
  version: 2,
  open: 3,
  close: 4,
  read: 5,
  write: 6,
  lstat: 7,
  fstat: 8,
  setstat: 9,
  fsetstat: 10,
  opendir: 11,
  readdir: 12,
  remove: 13,
  mkdir: 14,
  rmdir: 15,
  realpath: 16,
  stat: 17,
  rename: 18,
  readlink: 19,
  symlink: 20,
  status: 101,
  handle: 102,
  data: 103,
  name: 104,
  attrs: 105,
  extended: 200,
  extendedReply: 201,
} as const;

/** Status codes of the same draft, section 7. */
export const STATUS = {
  ok: 0,
  eof: 1,
  noSuchFile: 2,
  permissionDenied: 3,
  failure: 4,
  badMessage: 5,
  unsupported: 8,
} as const;

/** Maximum packet size in bytes, without the length field; the same as in OpenSSH's server. */
export const MAX_PACKET_BYTES = 256 * 1024;

/** The client sent an invalid packet. */
export class MalformedPacket extends Error {
  constructor() {
    super("The SFTP client sent a malformed packet.");
  }
}

/** Reads the fields of one packet in order. Throws `MalformedPacket` if the packet is too short. */
export class PacketReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  byte(): number {
    return this.#take(1)[0]!;
  }

  uint32(): number {
    return this.#take(4).readUInt32BE();
  }

  /** Values above 2^53 are rounded; no file is that large. */
  uint64(): number {
    return Number(this.#take(8).readBigUInt64BE());
  }

  /** A slice of the packet, not a copy. Paths are raw bytes of any encoding. */
  string(): Buffer {
    return this.#take(this.uint32());
  }

  text(): string {
    return this.string().toString("utf8");
  }

  #take(length: number): Buffer {
    if (length > this.left) throw new MalformedPacket();
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}

export function uint64(value: number | bigint): Buffer {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeBigUInt64BE(BigInt.asUintN(64, BigInt(value)));
  return bytes;
}

/** A length-prefixed string of bytes. */
export function string(value: Buffer | string): Buffer {
  const bytes = typeof value === "string" ? Buffer.from(value) : value;
  return Buffer.concat([uint32(bytes.length), bytes]);
}

/** A complete packet: length, type, fields. */
export function packet(type: number, ...fields: Buffer[]): Buffer {
  const length = fields.reduce((sum, field) => sum + field.length, 1);
  return Buffer.concat([uint32(length), Buffer.of(type), ...fields]);
}

/** Splits a byte stream into packets without their lengths. Throws `MalformedPacket` for an oversized packet. */
export function createPacketSplitter(): (chunk: Buffer) => Buffer[] {
  let parts: Buffer[] = [];
  let held = 0;
  let wanted = 4;
  return (chunk) => {
    parts.push(chunk);
    held += chunk.length;
    if (held < wanted) return [];
    let bytes = parts.length === 1 ? chunk : Buffer.concat(parts, held);
    const packets: Buffer[] = [];
    for (;;) {
      const length = bytes.length < 4 ? 0 : bytes.readUInt32BE();
      if (bytes.length >= 4 && (length === 0 || length > MAX_PACKET_BYTES)) throw new MalformedPacket();
      wanted = 4 + length;
      if (bytes.length < wanted || length === 0) break;
      packets.push(bytes.subarray(4, wanted));
      bytes = bytes.subarray(wanted);
    }
    parts = [bytes];
    held = bytes.length;
    return packets;
  };
}
