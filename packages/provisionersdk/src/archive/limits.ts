/** Limits for an archive. A template is text; these limits stop a zip bomb, not a template. */
export const ARCHIVE_LIMITS = {
  /** Files and folders. */
  entries: 10_000,
  /** Total unpacked bytes of all files. */
  totalBytes: 64 * 1024 * 1024,
  /** Characters per path. */
  pathLength: 1024,
  /** Folder nesting depth. */
  depth: 32,
} as const;

export const TAR_MIMETYPE = "application/x-tar";
export const ZIP_MIMETYPES: readonly string[] = ["application/zip", "application/x-zip-compressed"];
