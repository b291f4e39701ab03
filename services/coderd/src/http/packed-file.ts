import type { Stats } from "node:fs";
import { stat } from "node:fs/promises";
import { ENCODINGS, type Encoding } from "./encoding.js";

/** How a packed file is named beside the file itself: the build writes them. */
const ENDINGS: Record<Encoding, string> = { zstd: ".zst", br: ".br", gzip: ".gz" };

/** A file as it lies in its folder: as it is, packed in some encodings, or both. */
export type PackedFile = {
  path: string;
  plain: Stats | undefined;
  packed: ReadonlyMap<Encoding, Stats>;
};

/** Undefined where there is no such file, packed or not. */
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

/** True where a path names no file: it is not there, or is none that a file system takes. */
export function isAbsent(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === "ENOENT" || code === "ENOTDIR" || code === "ENAMETOOLONG";
}
