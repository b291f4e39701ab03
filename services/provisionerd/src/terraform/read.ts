import { readFile } from "node:fs/promises";

/** A file's content; undefined if it does not exist. */
export async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  return readFile(path).catch((error) => {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  });
}
