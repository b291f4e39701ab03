import { isFleetError } from "@fleet/base";
import { unzipSync, type Zippable, zipSync } from "fflate";
import { type ArchiveEntry, archiveError, createBudget, safePath } from "./entry.js";

/**
 * Every file, folder and symbolic link of a zip. Sizes are checked in the directory before anything is inflated, and
 * inflating stops at the stated size, so a lying header results in a broken file but costs no memory.
 */
export function readZip(bytes: Uint8Array): ArchiveEntry[] {
  const budget = createBudget();
  try {
    const files = unzipSync(bytes, {
      filter: ({ name, originalSize }) => {
        budget.spend(originalSize);
        safePath(name);
        return true;
      },
    });
    const modes = unixModes(bytes);
    return Object.entries(files)
      .map(([name, content]) => entryOf(name, content, modes.get(name) ?? 0))
      .filter((entry) => entry.path !== "");
  } catch (error) {
    if (isFleetError(error)) throw error;
    throw archiveError("the zip file is incomplete or corrupt. Upload it again.", error);
  }
}

const TYPE_MASK = 0o170000;
const SYMLINK = 0o120000;
/** "Version made by" Unix: the high half of the external attributes is then a mode. */
const UNIX = 3;
/** The earliest date that the format supports: the same entries produce the same bytes. */
const DATE = new Date(1980, 0, 1);

/** The zip of these entries, which `readZip` reads back. */
export function packZip(entries: readonly ArchiveEntry[]): Uint8Array {
  const files: Zippable = {};
  for (const entry of entries) {
    const name = entry.type === "directory" ? `${entry.path}/` : entry.path;
    const content = entry.type === "symlink" ? new TextEncoder().encode(entry.target) : entry.bytes;
    files[name] = [content, { os: UNIX, attrs: modeOf(entry) * 0x10000, mtime: DATE }];
  }
  return zipSync(files);
}

function modeOf({ type, executable }: ArchiveEntry): number {
  if (type === "directory") return 0o40755;
  if (type === "symlink") return SYMLINK | 0o777;
  return executable ? 0o100755 : 0o100644;
}

function entryOf(name: string, content: Uint8Array, mode: number): ArchiveEntry {
  const path = safePath(name);
  const plain = { path, executable: false, bytes: content };
  if (name.endsWith("/")) return { ...plain, type: "directory" };
  // The content of a link is its target.
  if ((mode & TYPE_MASK) === SYMLINK)
    return { ...plain, type: "symlink", target: new TextDecoder().decode(content), bytes: new Uint8Array() };
  return { ...plain, type: "file", executable: (mode & 0o100) !== 0 };
}

const END_OF_CENTRAL = 0x06054b50;
const CENTRAL_HEADER = 0x02014b50;

/** The modes of a Unix zip's entries, by name (PKWARE's APPNOTE, 4.3.12 and 4.4.15). */
function unixModes(bytes: Uint8Array): Map<string, number> {
  const zip = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const modes = new Map<string, number>();
  const end = zip.lastIndexOf(Buffer.from(Uint32Array.of(END_OF_CENTRAL).buffer));
  if (end < 0 || end + 20 > zip.length) return modes;
  let at = zip.readUInt32LE(end + 16);
  while (at + 46 <= zip.length && zip.readUInt32LE(at) === CENTRAL_HEADER) {
    const nameLength = zip.readUInt16LE(at + 28);
    const name = zip.toString("utf8", at + 46, at + 46 + nameLength);
    if (zip[at + 5] === UNIX) modes.set(name, zip.readUInt32LE(at + 38) >>> 16);
    at += 46 + nameLength + zip.readUInt16LE(at + 30) + zip.readUInt16LE(at + 32);
  }
  return modes;
}
