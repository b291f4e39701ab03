import { crc32, deflateRawSync } from "node:zlib";
import type { ArchiveEntry } from "@fleet/provisionersdk";

const LOCAL_HEADER = 0x04034b50;
const CENTRAL_HEADER = 0x02014b50;
const END_OF_CENTRAL = 0x06054b50;
const VERSION = 20;
/** Unix, with the mode in the high half of the external attributes. */
const MADE_BY_UNIX = (3 << 8) | VERSION;
const UTF8 = 0x0800;
const DEFLATE = 8;
/** 1980-01-01, the earliest date that the format knows: the same entries give the same bytes. */
const DATE = (1 << 5) | 1;

/** A zip (PKWARE's APPNOTE, without zip64: an archive is far below 4 GiB and 65,535 entries). */
export function toZip(entries: readonly ArchiveEntry[]): Uint8Array {
  const parts: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const entry of entries) {
    const isFolder = entry.type === "directory";
    const name = Buffer.from(isFolder ? `${entry.path}/` : entry.path);
    // The content of a link is where it leads to.
    const content = entry.type === "symlink" ? Buffer.from(entry.target ?? "") : entry.bytes;
    const data = deflateRawSync(content);
    const shared = Buffer.alloc(26);
    shared.writeUInt16LE(VERSION, 0);
    shared.writeUInt16LE(UTF8, 2);
    shared.writeUInt16LE(DEFLATE, 4);
    shared.writeUInt16LE(DATE, 8);
    shared.writeUInt32LE(crc32(content), 10);
    shared.writeUInt32LE(data.length, 14);
    shared.writeUInt32LE(content.length, 18);
    shared.writeUInt16LE(name.length, 22);
    const local = Buffer.concat([uint32(LOCAL_HEADER), shared, name, data]);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE((modeOf(entry) << 16) >>> 0, 6);
    tail.writeUInt32LE(offset, 10);
    central.push(Buffer.concat([uint32(CENTRAL_HEADER), uint16(MADE_BY_UNIX), shared, tail, name]));
    parts.push(local);
    offset += local.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(END_OF_CENTRAL, 0);
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, directory, end]);
}

function modeOf({ type, executable }: ArchiveEntry): number {
  if (type === "directory") return 0o40755;
  if (type === "symlink") return 0o120777;
  return executable ? 0o100755 : 0o100644;
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function uint16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}
