import { lstat, readdir, readFile, readlink, realpath } from "node:fs/promises";
import { dirname, isAbsolute, join, relative, sep } from "node:path";
import { type ArchiveEntry, archiveError } from "./entry.js";
import { resolveLinks } from "./links.js";
import { writeTar } from "./tar.js";

/** Files that terraform generates, and files of variable values, which often contain passwords. */
const LEFT_OUT = /(\.tfstate(\..*)?|\.tfvars(\.json)?)$/;
/** Hidden files that terraform reads. */
const LOCK_FILE = ".terraform.lock.hcl";
/** Hidden, and of no use to a template: not worth a warning. */
const NEVER_MEANT = /^\.(git|terraform|DS_Store|gitignore|terraform\.tfstate\.lock\.info)$/;

export type PackedFolder = {
  bytes: Uint8Array;
  /** Paths of hidden files and folders that were left out, such as `.env`. */
  hidden: string[];
};

/**
 * A deterministic tar of a template's folder, with modes and symbolic links. Leaves out hidden files except the lock
 * file (they hold keys and passwords: .env, .ssh), state, and variable files. Throws `invalid_argument` by name for
 * entries that an archive cannot hold, such as a link that leads out of the folder.
 */
export async function packFolder(directory: string): Promise<PackedFolder> {
  const root = await realpath(directory);
  const entries: ArchiveEntry[] = [];
  const hidden: string[] = [];

  async function walk(folder: string, prefix: string): Promise<void> {
    for (const name of await readdir(folder)) {
      const path = prefix + name;
      if (name.startsWith(".") && name !== LOCK_FILE) {
        if (!NEVER_MEANT.test(name)) hidden.push(path);
      } else if (!LEFT_OUT.test(name)) await add(join(folder, name), path);
    }
  }

  async function add(full: string, path: string): Promise<void> {
    const info = await lstat(full);
    const plain = { path, executable: false, bytes: new Uint8Array() };
    if (info.isSymbolicLink()) {
      entries.push({ ...plain, type: "symlink", target: relativeTarget(root, full, await readlink(full)) });
    } else if (info.isDirectory()) await walk(full, `${path}/`);
    else if (info.isFile()) {
      const executable = (info.mode & 0o100) !== 0;
      entries.push({ ...plain, type: "file", executable, bytes: await readFile(full) });
    } else throw archiveError(`${JSON.stringify(path)} is neither a file nor a directory. Remove it.`);
  }

  await walk(root, "");
  return { bytes: await writeTar(resolveLinks(entries)), hidden: hidden.sort() };
}

/** An absolute link into the folder itself is made relative; any other is checked with the rest. */
function relativeTarget(root: string, link: string, target: string): string {
  if (!isAbsolute(target) || !`${target}${sep}`.startsWith(`${root}${sep}`))
    return target.replaceAll("\\", "/");
  return relative(dirname(link), target).replaceAll("\\", "/") || ".";
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
