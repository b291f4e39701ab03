import { chmod, lstat, mkdir, rm, symlink, unlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { umask } from "node:process";
import { FleetError } from "@fleet/base";
import { type ArchiveEntry, archiveError } from "./entry.js";
import { TAR_MIMETYPE, ZIP_MIMETYPES } from "./limits.js";
import { resolveLinks } from "./links.js";
import { readTar } from "./tar.js";
import { readZip } from "./zip.js";

export { packFiles, packFolder } from "./pack.js";

/**
 * The files and folders of an uploaded archive, checked against ARCHIVE_LIMITS and for paths that escape the folder.
 * Throws `invalid_argument` with a sentence that says what is wrong with it.
 */
export async function readArchive(bytes: Uint8Array, mimetype: string): Promise<ArchiveEntry[]> {
  const type = mimetype.split(";")[0]!.trim().toLowerCase();
  if (type === TAR_MIMETYPE) return resolveLinks(await readTar(bytes));
  if (ZIP_MIMETYPES.includes(type)) return resolveLinks(readZip(bytes));
  throw new FleetError(
    "invalid_argument",
    `Unsupported archive type "${type}". Upload a tar (${TAR_MIMETYPE}) or a zip (${ZIP_MIMETYPES[0]}).`,
  );
}

/** Unpacks an uploaded archive into an existing folder, readable only by its owner. Writes nothing if any entry fails. */
export async function unpackArchive(bytes: Uint8Array, mimetype: string, directory: string): Promise<void> {
  await writeEntries(await readArchive(bytes, mimetype), directory);
}

export type WriteOptions = {
  /** Files accessible only to their owner, as for a run (the default); otherwise by the umask, for the user's own. */
  ownerOnly?: boolean;
};

/**
 * Writes an archive's entries into a folder. Existing entries of the same name are replaced, never written through: a
 * link in that place is removed first.
 */
export async function writeEntries(
  entries: readonly ArchiveEntry[],
  directory: string,
  { ownerOnly = true }: WriteOptions = {},
): Promise<void> {
  const made = new Set<string>([directory]);
  const makeFolder = async (path: string) => {
    if (made.has(path)) return;
    await makeFolder(dirname(path));
    if ((await lstat(path).catch(() => undefined))?.isSymbolicLink()) await rm(path);
    await mkdir(path, { recursive: true, mode: ownerOnly ? 0o700 : 0o777 });
    made.add(path);
  };
  const modeOf = (executable: boolean) => (executable ? 0o777 : 0o666) & (ownerOnly ? 0o700 : ~umask());
  for (const entry of entries) {
    const path = join(directory, entry.path);
    try {
      await makeFolder(entry.type === "directory" ? path : dirname(path));
      if (entry.type === "directory") continue;
      const there = await lstat(path).catch(() => undefined);
      if (there && (entry.type === "symlink" || !there.isFile())) await unlink(path);
      if (entry.type === "symlink") {
        await symlink(entry.target!, path);
        continue;
      }
      await writeFile(path, entry.bytes, { mode: modeOf(entry.executable) });
      // An existing file has kept its mode.
      if (there || entry.executable) await chmod(path, modeOf(entry.executable));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "EEXIST" || code === "ENOTDIR" || code === "EISDIR") {
        throw archiveError(`${JSON.stringify(entry.path)} is both a file and a directory.`, error);
      }
      throw error;
    }
  }
}
