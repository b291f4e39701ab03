import { chmod, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { FleetError } from "@fleet/base";
import { type ArchiveEntry, archiveError } from "./entry.js";
import { TAR_MIMETYPE, ZIP_MIMETYPES } from "./limits.js";
import { readTar, writeTar } from "./tar.js";
import { readZip } from "./zip.js";

/**
 * The files and folders of an uploaded archive, judged by ARCHIVE_LIMITS and by where their paths lead.
 * Throws `invalid_argument` with a sentence that says what is wrong with it.
 */
export async function readArchive(bytes: Uint8Array, mimetype: string): Promise<ArchiveEntry[]> {
  const type = mimetype.split(";")[0]!.trim().toLowerCase();
  if (type === TAR_MIMETYPE) return readTar(bytes);
  if (ZIP_MIMETYPES.includes(type)) return readZip(bytes);
  throw new FleetError(
    "invalid_argument",
    `A template cannot be unpacked from "${type}". Upload a tar (${TAR_MIMETYPE}) or a zip (${ZIP_MIMETYPES[0]}).`,
  );
}

/** Unpacks an uploaded archive into an existing folder, readable by its owner only. Nothing is written if any entry is refused. */
export async function unpackArchive(bytes: Uint8Array, mimetype: string, directory: string): Promise<void> {
  await writeEntries(await readArchive(bytes, mimetype), directory);
}

/** Writes entries of an archive into a folder. */
export async function writeEntries(entries: readonly ArchiveEntry[], directory: string): Promise<void> {
  const made = new Set<string>();
  const makeFolder = async (path: string) => {
    if (made.has(path)) return;
    await mkdir(path, { recursive: true, mode: 0o700 });
    made.add(path);
  };
  for (const entry of entries) {
    const path = join(directory, entry.path);
    try {
      await makeFolder(entry.type === "directory" ? path : dirname(path));
      if (entry.type === "directory") continue;
      await writeFile(path, entry.bytes, { mode: entry.executable ? 0o700 : 0o600 });
      if (entry.executable) await chmod(path, 0o700);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "EEXIST" || code === "ENOTDIR" || code === "EISDIR") {
        throw archiveError(`${JSON.stringify(entry.path)} is both a file and a folder in it.`, error);
      }
      throw error;
    }
  }
}

/** Files that are never part of a template: version control, and what terraform makes for itself. */
const LEFT_OUT = /^(\.git|\.terraform|.*\.tfstate(\.backup)?|\.DS_Store)$/;

/** A deterministic tar of a template's folder, without version control and without terraform's own files. */
export async function packFolder(directory: string): Promise<Uint8Array> {
  const entries: ArchiveEntry[] = [];
  const walk = async (folder: string, prefix: string) => {
    for (const found of await readdir(folder, { withFileTypes: true })) {
      if (LEFT_OUT.test(found.name)) continue;
      const path = prefix + found.name;
      const full = join(folder, found.name);
      if (found.isDirectory()) await walk(full, `${path}/`);
      else if (found.isFile()) {
        entries.push({ path, type: "file", executable: false, bytes: await readFile(full) });
      } else
        throw archiveError(
          `${JSON.stringify(path)} is neither a file nor a folder. Put a copy in its place.`,
        );
    }
  };
  await walk(directory, "");
  return writeTar(entries);
}

/** A deterministic tar of files, given by path. */
export function packFiles(files: Readonly<Record<string, string | Uint8Array>>): Promise<Uint8Array> {
  return writeTar(
    Object.entries(files).map(([path, content]) => ({
      path,
      type: "file",
      executable: false,
      bytes: typeof content === "string" ? new TextEncoder().encode(content) : content,
    })),
  );
}
