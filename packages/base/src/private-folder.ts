import { accessSync, constants, existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { FleetError } from "./errors.js";

export type PrivateFolderOptions = {
  /** Parent folders to try, best first; created if missing. The usual ones are tried after them. */
  preferred?: readonly string[];
  /** The longest path that the folder may have, in bytes: socket addresses are short. */
  maxPathBytes?: number;
  /** Fills the folder. If it throws, the folder is removed and the next place is tried. */
  fill?(folder: string): void;
};

/**
 * Creates a folder that only this user can access, in the first writable place: a machine may have a read-only or
 * full /tmp. Throws `failed_precondition` if there is none.
 */
export function createPrivateFolder(prefix: string, options: PrivateFolderOptions = {}): string {
  const { preferred = [], maxPathBytes = Number.POSITIVE_INFINITY, fill } = options;
  const refusals: string[] = [];
  for (const place of new Set([...preferred, ...usualPlaces()])) {
    let folder: string | undefined;
    try {
      if (preferred.includes(place)) makeFolder(place);
      accessSync(place, constants.W_OK | constants.X_OK);
      folder = mkdtempSync(join(place, prefix));
      if (Buffer.byteLength(folder) > maxPathBytes) throw new Error("its path is too long");
      fill?.(folder);
      return folder;
    } catch (error) {
      if (folder) rmSync(folder, { recursive: true, force: true });
      refusals.push(`${place} (${(error as NodeJS.ErrnoException).code ?? (error as Error).message})`);
    }
  }
  throw new FleetError(
    "failed_precondition",
    `No writable directory for temporary files. Set TMPDIR to a writable directory. Tried: ${refusals.join(", ")}.`,
  );
}

/**
 * Creates a folder and its parents; an existing one is left as is. Throws as `mkdir` does. Node's own `recursive`
 * never returns if a file system says ENOENT although the parent exists, as /proc does.
 */
export function makeFolder(path: string, mode = 0o777): void {
  try {
    mkdirSync(path, { mode });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST" && statSync(path).isDirectory()) return;
    if (code !== "ENOENT" || existsSync(dirname(path))) throw error;
    makeFolder(dirname(path), mode);
    mkdirSync(path, { mode });
  }
}

function usualPlaces(): string[] {
  const { XDG_RUNTIME_DIR } = process.env;
  const known = process.platform === "win32" ? [] : ["/tmp", "/dev/shm", "/var/tmp", "/run"];
  return [tmpdir(), ...(XDG_RUNTIME_DIR ? [XDG_RUNTIME_DIR] : []), ...known, homedir(), process.cwd()];
}
