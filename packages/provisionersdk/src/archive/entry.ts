import { FleetError } from "@fleet/base";
import { ARCHIVE_LIMITS } from "./limits.js";

/** A file, folder or symbolic link of an archive. `path` is relative, with `/`, and never leaves the folder that it is unpacked to. */
export type ArchiveEntry = {
  path: string;
  type: "file" | "directory" | "symlink";
  /** True for a file that its owner may run. */
  executable: boolean;
  /** Of a link, those of the file in the archive that it leads to; empty where that is none. */
  bytes: Uint8Array;
  /** Where a link leads to, as it is written in it: relative, and never out of the folder. */
  target?: string;
};

export function archiveError(detail: string, cause?: unknown): FleetError {
  return new FleetError("invalid_argument", `Invalid template archive: ${detail}`, { cause });
}

/**
 * The path as it may be written: `./` and double slashes removed. Throws for an absolute path, one that climbs with `..`,
 * a drive letter, a backslash or a control character. Empty for the archive's own root.
 */
export function safePath(name: string): string {
  const shown = JSON.stringify(name.slice(0, 200));
  if (name.length > ARCHIVE_LIMITS.pathLength) throw archiveError(`the path ${shown}… is too long.`);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  if (/[\u0000-\u001f\u007f\\]/.test(name))
    throw archiveError(`the path ${shown} contains invalid characters.`);
  if (name.startsWith("/") || /^[A-Za-z]:/.test(name)) {
    throw archiveError(
      `the path ${shown} is absolute. Create the archive from inside the template's directory.`,
    );
  }
  const parts = name.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.includes("..")) throw archiveError(`the path ${shown} is outside the template's directory.`);
  if (parts.length > ARCHIVE_LIMITS.depth) throw archiveError(`the path ${shown} is nested too deeply.`);
  return parts.join("/");
}

/** Counts what was read of one archive, and throws at the entry that goes beyond a limit. */
export function createBudget() {
  let entries = 0;
  let bytes = 0;
  return {
    spend(size: number) {
      entries += 1;
      if (entries > ARCHIVE_LIMITS.entries) {
        throw archiveError(
          `it contains more than ${ARCHIVE_LIMITS.entries} files. Remove files that Terraform does not need.`,
        );
      }
      this.spendBytes(size);
    },
    spendBytes(size: number) {
      bytes += size;
      if (bytes > ARCHIVE_LIMITS.totalBytes) {
        const mib = ARCHIVE_LIMITS.totalBytes / 1024 / 1024;
        throw archiveError(
          `its files are larger than ${mib} MiB in total. Remove files that Terraform does not need.`,
        );
      }
    },
  };
}
