import { lstat, mkdir, readdir, readlink, realpath, rename, rm, stat, symlink } from "node:fs/promises";
import { dirname, join, resolve, sep } from "node:path";
import { FleetError } from "@fleet/base";

/** Files of the repository itself, which are not linked. */
const NOT_LINKED = /^\.git(|ignore|attributes|modules|keep|hub|lab|lab-ci\.yml)$/;

/** Maximum number of backups of one file. */
const BACKUP_LIMIT = 100;

/** The top-level dotfiles of a repository. */
export async function dotfilesIn(repository: string): Promise<string[]> {
  return (await readdir(repository)).filter((name) => name.startsWith(".") && !NOT_LINKED.test(name)).sort();
}

export type LinkOptions = {
  /** The clone, target of the links. */
  repository: string;
  target: string;
  note(text: string): void;
};

/**
 * Symlinks the named files and folders of the repository into the target. Existing folders are kept, and the contents
 * of the repository's folder are linked into them individually. Other existing files are moved aside to an unused name,
 * so that nothing is lost, and a second run changes nothing.
 */
export async function linkFiles(names: readonly string[], options: LinkOptions): Promise<void> {
  await mkdir(options.target, { recursive: true });
  for (const name of names) {
    await linkOne(join(options.repository, name), join(options.target, name), options);
  }
}

async function linkOne(source: string, target: string, options: LinkOptions): Promise<void> {
  const there = await lstat(target).catch(() => undefined);
  if (!there) return symlink(source, target);
  if (there.isSymbolicLink()) {
    const destination = resolve(dirname(target), await readlink(target));
    if (destination === source) return;
    if (destination.startsWith(options.repository + sep)) {
      // A link of an earlier run, to a file that has since moved.
      await rm(target);
      return symlink(source, target);
    }
  }
  const isFolder = (await stat(target).catch(() => undefined))?.isDirectory() ?? false;
  if (isFolder && (await lstat(source)).isDirectory()) {
    for (const name of await readdir(source)) await linkOne(join(source, name), join(target, name), options);
    return;
  }
  if (isFolder && (await holds(target, options.repository))) {
    throw new FleetError(
      "failed_precondition",
      `${target} cannot be replaced: it holds the clone of your dotfiles, and the repository has a file of that name. Keep the clone elsewhere with --repo-dir.`,
    );
  }
  const backup = await freeName(target);
  await rename(target, backup);
  options.note(`Moved ${target} to ${backup}.`);
  await symlink(source, target);
}

async function holds(folder: string, other: string): Promise<boolean> {
  return `${await realpath(other)}${sep}`.startsWith(`${await realpath(folder)}${sep}`);
}

/** `<path>.bak`, or `<path>.bak2` and so on if it exists. */
export async function freeName(path: string): Promise<string> {
  for (let count = 1; count <= BACKUP_LIMIT; count++) {
    const name = `${path}.bak${count === 1 ? "" : count}`;
    if (!(await lstat(name).catch(() => undefined))) return name;
  }
  throw new FleetError(
    "failed_precondition",
    `There are ${BACKUP_LIMIT} backups of ${path} already. Delete those that you do not need.`,
  );
}
