import { FleetError } from "@fleet/base";
import { ARCHIVE_LIMITS } from "./limits.js";

/** A file, folder or symbolic link of an archive. `path` is relative, with `/`, and stays in the unpacking folder. */
export type ArchiveEntry = {
  path: string;
  type: "file" | "directory" | "symlink";
  /** True for a file that its owner may execute. */
  executable: boolean;
  /** For a link, the contents of the file in the archive that it resolves to; empty if there is none. */
  bytes: Uint8Array;
  /** A link's target, as written: relative, and never outside the folder. */
  target?: string;
};

export function archiveError(detail: string, cause?: unknown): FleetError {
  return new FleetError("invalid_argument", `Invalid template archive: ${detail}`, { cause });
}

/**
 * Normalizes a path: removes `./` and double slashes. Throws for an absolute path, one that climbs with `..`,
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

/** Counts what was read from one archive, and throws at the entry that exceeds a limit. */
export function createBudget(limits: { entries: number; totalBytes: number } = ARCHIVE_LIMITS) {
  let entries = 0;
  let bytes = 0;
  return {
    spend(size: number) {
      entries += 1;
      if (entries > limits.entries) {
        throw archiveError(
          `it contains more than ${limits.entries} files. Remove files that Terraform does not need.`,
        );
      }
      this.spendBytes(size);
    },
    spendBytes(size: number) {
      bytes += size;
      if (bytes > limits.totalBytes) {
        const mib = limits.totalBytes / 1024 / 1024;
        throw archiveError(
          `its files are larger than ${mib} MiB in total. Remove files that Terraform does not need.`,
        );
      }
    },
  };
}
