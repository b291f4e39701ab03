import { extract, type Header, pack } from "tar-stream";
import { type ArchiveEntry, archiveError, createBudget, safePath } from "./entry.js";

/**
 * Every file, folder and symbolic link of a tar; a hard link to an earlier file becomes a copy. Throws for a device, a
 * path that leaves the folder, or an exceeded limit. The caller must check where symbolic links lead.
 */
export async function readTar(bytes: Uint8Array): Promise<ArchiveEntry[]> {
  const entries: ArchiveEntry[] = [];
  const budget = createBudget();
  const reader = extract();
  reader.end(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  try {
    for await (const entry of reader) {
      const { header } = entry;
      const type = typeOf(header);
      budget.spend(header.size ?? 0);
      const path = safePath(header.name);
      const chunks: Buffer[] = [];
      for await (const chunk of entry) chunks.push(chunk as Buffer);
      if (path === "") continue;
      if (header.type === "link") {
        const original = originalOf(header, entries);
        budget.spendBytes(original.bytes.length);
        entries.push({ ...original, path });
        continue;
      }
      const executable = type === "file" && ((header.mode ?? 0) & 0o100) !== 0;
      const target = type === "symlink" ? { target: header.linkname ?? "" } : {};
      entries.push({ path, type, executable, bytes: Buffer.concat(chunks), ...target });
    }
  } catch (error) {
    if (error instanceof Error && error.name === "FleetError") throw error;
    throw archiveError("the tar file is incomplete or corrupt. Upload it again.", error);
  }
  return entries;
}

function typeOf(header: Header): ArchiveEntry["type"] {
  switch (header.type) {
    case "symlink":
      return "symlink";
    case "file":
    case "link":
    case "contiguous-file":
    case undefined:
    case null:
      return "file";
    case "directory":
      return "directory";
    default:
      throw archiveError(
        `${JSON.stringify(header.name)} is a ${header.type}. Only files, directories and links are allowed.`,
      );
  }
}

function originalOf({ name, linkname = "" }: Header, earlier: readonly ArchiveEntry[]): ArchiveEntry {
  const path = safePath(linkname ?? "");
  const original = earlier.find((entry) => entry.path === path && entry.type === "file");
  if (original) return original;
  throw archiveError(
    `${JSON.stringify(name)} is a hard link to ${JSON.stringify(path)}, which is not in the archive.`,
  );
}

/** A tar that is byte-for-byte identical for the same entries: sorted, without owner or time. */
export async function writeTar(entries: readonly ArchiveEntry[]): Promise<Uint8Array> {
  const writer = pack();
  const chunks: Buffer[] = [];
  const read = (async () => {
    for await (const chunk of writer) chunks.push(chunk as Buffer);
  })();
  for (const entry of [...entries].sort((a, b) => (a.path < b.path ? -1 : 1))) {
    const name = safePath(entry.path);
    const fixed = { mtime: new Date(0), uid: 0, gid: 0, uname: "", gname: "" };
    if (entry.type === "directory") writer.entry({ ...fixed, name, type: "directory", mode: 0o755 });
    else if (entry.type === "symlink")
      writer.entry({ ...fixed, name, type: "symlink", linkname: entry.target ?? "", mode: 0o777 });
    else writer.entry({ ...fixed, name, mode: entry.executable ? 0o755 : 0o644 }, Buffer.from(entry.bytes));
  }
  writer.finalize();
  await read;
  return Buffer.concat(chunks);
}
