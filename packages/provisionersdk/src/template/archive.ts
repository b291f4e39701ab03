import type { ArchiveEntry } from "../archive/entry.js";

/** Longest README that is stored, in bytes. */
const README_LIMIT = 1024 * 1024;

/** The text of the template's README.md; empty if it has none. */
export function readmeOf(entries: readonly ArchiveEntry[]): string {
  const found = entries.find((entry) => entry.type !== "directory" && /^readme\.md$/i.test(entry.path));
  return found ? new TextDecoder().decode(found.bytes.subarray(0, README_LIMIT)) : "";
}
