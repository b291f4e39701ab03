import type { Stats } from "node:fs";
import { stat } from "node:fs/promises";
import { ENCODINGS, type Encoding } from "./encoding.js";

/** Extensions of compressed copies, as written by the build. */
const ENDINGS: Record<Encoding, string> = { zstd: ".zst", br: ".br", gzip: ".gz" };

/** A file in a folder: plain, compressed in some encodings, or both. */
export type PackedFile = {
  path: string;
  plain: Stats | undefined;
  packed: ReadonlyMap<Encoding, Stats>;
};

/** Undefined if the file exists neither plain nor compressed. */
export async function findPacked(path: string): Promise<PackedFile | undefined> {
  const [plain, ...stats] = await Promise.all([
    statOf(path),
    ...ENCODINGS.map((encoding) => statOf(packedPath(path, encoding))),
  ]);
  const packed = new Map<Encoding, Stats>();
  for (const [index, encoding] of ENCODINGS.entries()) {
    const found = stats[index];
    if (found) packed.set(encoding, found);
  }
  return plain || packed.size > 0 ? { path, plain, packed } : undefined;
}

export function packedPath(path: string, encoding: Encoding): string {
  return `${path}${ENDINGS[encoding]}`;
}

export function isPackedPath(path: string): boolean {
  return Object.values(ENDINGS).some((ending) => path.endsWith(ending));
}

async function statOf(path: string): Promise<Stats | undefined> {
  try {
    const found = await stat(path);
    return found.isFile() ? found : undefined;
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

/** True if the path names no file: it does not exist or is not a valid path. */
export function isAbsent(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === "ENOENT" || code === "ENOTDIR" || code === "ENAMETOOLONG";
}
