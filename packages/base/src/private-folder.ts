import { accessSync, constants, existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { FleetError } from "./errors.js";

export type PrivateFolderOptions = {
  /** Folders to make it in, best first; they are made where they are missing. The usual ones come after. */
  preferred?: readonly string[];
  /** The longest path that the folder may have, in bytes: a socket's address is short. */
  maxPathBytes?: number;
  /** Puts its content in. When it throws, the folder is taken away and the next place is tried. */
  fill?(folder: string): void;
};

/**
 * Makes a folder that is this user's alone, in the first place that can be written: a machine may have a read-only or
 * full /tmp. Throws `failed_precondition` when there is none.
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
 * Makes a folder and those above it; one that is there stays as it is. Throws as `mkdir` does. Node's own `recursive`
 * never comes back where a file system says ENOENT though the parent is there, as /proc does.
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
