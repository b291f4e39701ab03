/** What an archive may hold at most. A template is text; these bounds stop a bomb, not a template. */
export const ARCHIVE_LIMITS = {
  /** Files and folders. */
  entries: 10_000,
  /** Bytes of all files together, unpacked. */
  totalBytes: 64 * 1024 * 1024,
  /** Characters of one path. */
  pathLength: 1024,
  /** Folders within folders. */
  depth: 32,
} as const;

export const TAR_MIMETYPE = "application/x-tar";
export const ZIP_MIMETYPES: readonly string[] = ["application/zip", "application/x-zip-compressed"];
