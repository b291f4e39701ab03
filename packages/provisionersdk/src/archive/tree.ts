import { createHash } from "node:crypto";
import { constants, createReadStream, createWriteStream } from "node:fs";
import { chmod, lstat, mkdir, open, readdir, readlink, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Transform, type TransformCallback } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createZstdCompress, createZstdDecompress, type ZstdOptions } from "node:zlib";
import { extract, type Pack, pack } from "tar-stream";
import { type ArchiveEntry, archiveError, createBudget, safePath } from "./entry.js";
import { resolveLinks } from "./links.js";

/** Limits of a folder that is packed or unpacked file by file. */
export type TreeLimits = {
  /** Files, folders and links. */
  entries: number;
  /** Total unpacked bytes. */
  totalBytes: number;
};

export type PackedTree = { sha256: string; size: number };

type TreeEntry = ArchiveEntry & { size: number };

/**
 * Writes a folder into a tar compressed with zstd: the same bytes for the same files. Holds no file in memory, and
 * follows no link. Throws `invalid_argument` for what an archive cannot hold: a device, a link that leads out of the
 * folder, or more than the limits. The folder must not change meanwhile.
 *
 * @param leaveOut names of files and folders to leave out, wherever they are
 */
export async function packTree(
  folder: string,
  file: string,
  { limits, leaveOut = [] }: { limits: TreeLimits; leaveOut?: readonly string[] },
): Promise<PackedTree> {
  const entries = await entriesOf(folder, limits, new Set(leaveOut));
  resolveLinks(entries);
  const writer = pack();
  const hash = createHash("sha256");
  let size = 0;
  const count = new Transform({
    transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback) {
      hash.update(chunk);
      size += chunk.length;
      done(null, chunk);
    },
  });
  // With this mark, each block is compressed before the next one, or the end, reaches the compressor. Its output depends
  // on what it is given in one call, and would otherwise depend on how fast files are read.
  const compressor = createZstdCompress({ writableHighWaterMark: 1 } as ZstdOptions);
  const written = pipeline(
    inBlocks(writer as AsyncIterable<Buffer>),
    compressor,
    count,
    createWriteStream(file, { mode: 0o600 }),
  );
  const filled = fill(writer, folder, entries).catch((error: Error) => writer.destroy(error));
  await Promise.all([written, filled]);
  await synced(file);
  return { sha256: hash.digest("hex"), size };
}

/** Unpacks what `packTree` wrote into an existing, empty folder. Files keep only whether they can be executed. */
export async function unpackTree(
  file: string,
  folder: string,
  { limits, fileMode = 0o600 }: { limits: TreeLimits; fileMode?: number },
): Promise<void> {
  const budget = createBudget(limits);
  const folderMode = fileMode | ((fileMode & 0o444) >> 2);
  const entries: ArchiveEntry[] = [];
  const reader = extract();
  const read = pipeline(createReadStream(file), createZstdDecompress(), reader);
  read.catch(() => {});
  try {
    for await (const entry of reader) {
      const { name, type = "file", size = 0, mode = 0, linkname = "" } = entry.header;
      budget.spend(size);
      const path = safePath(name);
      const kind = { path, executable: false, bytes: EMPTY };
      const target = join(folder, path);
      if (type === "symlink") entries.push({ ...kind, type, target: linkname ?? "" });
      else if (type === "directory") {
        entries.push({ ...kind, type });
        await mkdir(target, { recursive: true, mode: folderMode });
      } else if (type === "file") {
        entries.push({ ...kind, type });
        await mkdir(dirname(target), { recursive: true, mode: folderMode });
        const made = fileMode | ((mode & 0o100) !== 0 ? (fileMode & 0o444) >> 2 : 0);
        // "wx" neither follows a link nor replaces a file: a name that comes twice is refused.
        await pipeline(entry, createWriteStream(target, { flags: "wx", mode: made }));
        await chmod(target, made);
        continue;
      } else throw archiveError(`${JSON.stringify(name)} is a ${type}.`);
      entry.resume();
    }
    await read;
  } catch (error) {
    reader.destroy();
    if (error instanceof Error && error.name === "FleetError") throw error;
    throw archiveError("it is incomplete or corrupt.", error);
  }
  // Links come last, so that nothing is written through one.
  resolveLinks(entries);
  for (const { type, path, target } of entries) {
    if (type !== "symlink") continue;
    await mkdir(dirname(join(folder, path)), { recursive: true, mode: folderMode });
    await symlink(target!, join(folder, path));
  }
}

const EMPTY = new Uint8Array();

async function entriesOf(
  root: string,
  limits: TreeLimits,
  leftOut: ReadonlySet<string>,
): Promise<TreeEntry[]> {
  const budget = createBudget(limits);
  const entries: TreeEntry[] = [];
  async function walk(prefix: string): Promise<void> {
    for (const name of (await readdir(join(root, prefix))).sort()) {
      if (leftOut.has(name)) continue;
      const path = safePath(prefix + name);
      const info = await lstat(join(root, path));
      const kind = { path, executable: false, bytes: EMPTY, size: 0 };
      budget.spend(info.isFile() ? info.size : 0);
      if (info.isSymbolicLink()) {
        entries.push({ ...kind, type: "symlink", target: await readlink(join(root, path)) });
      } else if (info.isDirectory()) {
        entries.push({ ...kind, type: "directory" });
        await walk(`${path}/`);
      } else if (info.isFile()) {
        entries.push({ ...kind, type: "file", executable: (info.mode & 0o100) !== 0, size: info.size });
      } else throw archiveError(`${JSON.stringify(path)} is neither a file nor a directory.`);
    }
  }
  await walk("");
  return entries;
}

const BLOCK_BYTES = 128 * 1024;

async function* inBlocks(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let block = Buffer.allocUnsafe(BLOCK_BYTES);
  let filled = 0;
  for await (const chunk of source) {
    for (let offset = 0; offset < chunk.length; ) {
      const copied = chunk.copy(block, filled, offset);
      offset += copied;
      filled += copied;
      if (filled < BLOCK_BYTES) continue;
      yield block;
      block = Buffer.allocUnsafe(BLOCK_BYTES);
      filled = 0;
    }
  }
  if (filled > 0) yield block.subarray(0, filled);
}

async function fill(writer: Pack, folder: string, entries: readonly TreeEntry[]): Promise<void> {
  const fixed = { mtime: new Date(0), uid: 0, gid: 0, uname: "", gname: "" };
  for (const { path: name, type, target, executable, size } of entries) {
    if (type === "directory") writer.entry({ ...fixed, name, type, mode: 0o755 });
    else if (type === "symlink") writer.entry({ ...fixed, name, type, linkname: target!, mode: 0o777 });
    else {
      const place = await open(join(folder, name), constants.O_RDONLY | constants.O_NOFOLLOW);
      const sink = writer.entry({ ...fixed, name, size, mode: executable ? 0o755 : 0o644 });
      await pipeline(place.createReadStream(), sink);
    }
  }
  writer.finalize();
}

async function synced(file: string): Promise<void> {
  await using handle = await open(file, "r");
  await handle.sync();
}
