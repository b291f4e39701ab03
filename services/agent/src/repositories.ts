import type { Dirent } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";

/** What a search for repositories may take. */
export type SearchLimits = {
  /** Folders below each root. */
  depth: number;
  /** Folders that are read in all. */
  folders: number;
  repositories: number;
};

/** What a search does not look into. */
export type SearchScope = {
  skips(folderName: string): boolean;
  /** Whether folders of a repository are looked into, too. */
  nested: boolean;
};

/**
 * Finds the folders below these roots that have a `.git`, those nearest to a root first. Symbolic links are not followed.
 * `complete` is false if a limit was reached.
 */
export async function findRepositories(
  roots: readonly string[],
  limits: SearchLimits,
  { skips, nested }: SearchScope,
  signal: AbortSignal,
): Promise<{ repositories: string[]; complete: boolean }> {
  const repositories: string[] = [];
  const seen = new Set<string>();
  let level = [...new Set(roots)];
  let left = limits.folders;
  for (let depth = 0; depth <= limits.depth && level.length > 0; depth++) {
    const below: string[] = [];
    for (const folder of level) {
      if (signal.aborted || left-- <= 0) return { repositories, complete: false };
      if (seen.has(folder)) continue;
      seen.add(folder);
      const entries: Dirent[] = await readdir(folder, { withFileTypes: true }).catch(() => []);
      if (entries.some(({ name }) => name === ".git")) {
        if (repositories.length >= limits.repositories) return { repositories, complete: false };
        repositories.push(folder);
        if (!nested) continue;
      }
      for (const entry of entries)
        if (entry.isDirectory() && !skips(entry.name)) below.push(join(folder, entry.name));
    }
    level = below;
  }
  return { repositories, complete: level.length === 0 };
}
